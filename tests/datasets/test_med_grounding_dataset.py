import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.hooks import DistSamplerSeedHook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmdet_medglip.datasets import (
    GROUNDING_META_KEYS,
    MedGroundingDataset,
    ModalityBalancedBatchSampler,
)
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import DATASETS
from mmdet_medglip.structures import Instance, Record


def _pipeline(mode: str = 'train', with_mask: bool = False) -> list[dict]:
    return [
        dict(type='LoadMedImage'),
        dict(type='IntensityWindow'),
        dict(type='LoadAnnotations', with_bbox=True, with_mask=with_mask),
        dict(type='Resize', scale=(64, 64), keep_ratio=True),
        dict(type='SamplePrompt', mode=mode),
        dict(type='PackDetInputs', meta_keys=GROUNDING_META_KEYS),
    ]


def _position(dataset: MedGroundingDataset, image_id: str) -> int:
    ids = [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))]
    return ids.index(image_id)


def test_reads_a_store_and_agrees_over_splits(small_store: Path) -> None:
    train = MedGroundingDataset(str(small_store), split='train')
    val = MedGroundingDataset(str(small_store), split='val')
    assert (len(train), len(val)) == (8, 1)
    assert train.metainfo == val.metainfo
    assert train.metainfo['classes'] == ('liver', 'kidney_left', 'kidney_stone', 'polyp')
    assert train.metainfo['class_names'] == ('liver', 'left kidney', 'kidney stone', 'polyp')
    assert train.metainfo['labels_of'] == {
        'ct': ('liver', 'kidney_left', 'kidney_stone'),
        'endoscopy': ('polyp',),
    }


def test_detection_record(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), split='train', modalities=['CT'])
    info = dataset.get_data_info(_position(dataset, 'ct-1'))
    assert info['instances'] == [
        {'bbox': [4.0, 6.0, 20.0, 18.0], 'bbox_label': 0, 'ignore_flag': 0, 'label': 'liver'},
        {
            'bbox': [22.0, 8.0, 28.0, 16.0],
            'bbox_label': 1,
            'ignore_flag': 0,
            'label': 'kidney_left',
        },
    ]
    assert Path(info['img_path']).is_absolute()
    expected = {
        'dataset_mode': 'OD',
        'height': 24,
        'width': 32,
        'modality': 'ct',
        'source': 'abdomen',
        'patient_id': 'patient-ct-1',
        'spacing_mm': (0.8, 0.8),
        'rescale_slope': 1.0,
        'rescale_intercept': -1024.0,
        'rescale_type': 'HU',
        'window': None,
        'caption': None,
    }
    assert {key: info[key] for key in expected} == expected


def test_grounding_record(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), modalities=['endoscopy'])
    info = dataset.get_data_info(_position(dataset, 'scope-vg'))
    assert info['dataset_mode'] == 'VG'
    assert info['phrases'] == ['polyp', 'second polyp']
    assert info['tokens_positive'] == [[[2, 7]], [[29, 41]]]
    assert [i['bbox_label'] for i in info['instances']] == [0, 1, 1]


def test_labels_may_be_preferred_to_phrases(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), modalities=['endoscopy'], prefer='labels')
    info = dataset.get_data_info(_position(dataset, 'scope-vg'))
    assert info['dataset_mode'] == 'OD'
    assert [i['bbox_label'] for i in info['instances']] == [0, 0, 0]
    assert 'phrases' not in info


def _one_record_store(root: Path, record: Record, ontology: Ontology | None = None) -> str:
    with StoreWriter(root, name='one', ontology=ontology) as writer:
        writer.add(record, np.zeros((8, 8), np.uint8))
    return str(root)


def test_regions_with_words_but_no_label_make_their_own_caption(tmp_path: Path) -> None:
    words = ('small cyst', 'stent', 'small cyst')
    instances = tuple(Instance((i, 0, i + 2, 4), phrase=word) for i, word in enumerate(words))
    record = Record('a', 8, 8, 'ct', 'demo', 'p', instances=instances)
    dataset = MedGroundingDataset(_one_record_store(tmp_path / 'store', record))
    info = dataset.get_data_info(0)
    assert (info['dataset_mode'], info['caption']) == ('VG', 'small cyst. stent')
    assert info['phrases'] == ['small cyst', 'stent']
    assert info['tokens_positive'] == [[[0, 10]], [[12, 17]]]
    assert [i['bbox_label'] for i in info['instances']] == [0, 1, 0]
    assert dataset.metainfo['classes'] == ()
    assert dataset.get_cat_ids(0) == []


def test_window_of_the_record_reaches_the_transform(tmp_path: Path) -> None:
    record = Record('a', 8, 8, 'ct', 'demo', 'p', rescale_type='HU', window=(50, 200))
    root = _one_record_store(tmp_path / 'store', record)
    pipeline = [dict(type='LoadMedImage'), dict(type='IntensityWindow')]
    info = MedGroundingDataset(root, pipeline=pipeline)[0]
    assert (info['window'], info['intensity_range']) == ((50.0, 200.0), (-50.0, 150.0))


def test_store_with_labels_of_another_ontology_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / 'own.yaml'
    file.write_text(
        'format: 1\nmodalities: {ct: {name: CT}}\n'
        'regions: {a: {name: a, classes: {b: {name: b, modalities: [ct], '
        'labels: {zebra: {name: zebra stripe}}}}}}\n'
    )
    record = Record('a', 8, 8, 'ct', 'demo', 'p', instances=(Instance((1, 1, 4, 4), 'zebra'),))
    root = _one_record_store(tmp_path / 'store', record, Ontology.from_yaml(file))
    with pytest.raises(ValueError, match="label 'zebra', which the ontology does not know"):
        MedGroundingDataset(root)
    dataset = MedGroundingDataset(root, ontology=str(file))
    assert dataset.metainfo['class_names'] == ('zebra stripe',)


def test_labels_select_and_order_classes_and_keep_images(small_store: Path) -> None:
    dataset = MedGroundingDataset(
        str(small_store), split='train', modalities=['ct'], labels=['Left Kidney', 'liver']
    )
    assert dataset.metainfo['classes'] == ('kidney_left', 'liver')
    assert len(dataset) == 6
    labels = {i: dataset.get_cat_ids(i) for i in range(6)}
    assert sorted(map(tuple, labels.values())) == [(), (), (0, 1), (0, 1), (0, 1), (0, 1)]


def test_negatives_are_kept_unless_filtered(small_store: Path) -> None:
    arguments = {'data_root': str(small_store), 'modalities': ['ct'], 'labels': ['liver']}
    assert len(MedGroundingDataset(**arguments)) == 7
    filtered = MedGroundingDataset(**arguments, filter_cfg={'filter_empty_gt': True})
    assert len(filtered) == 5


@pytest.mark.parametrize('image_id', ['ct-0', 'ct-negative', 'scope-0', 'scope-vg'])
def test_pipeline_packs_image_boxes_and_prompt(small_store: Path, image_id: str) -> None:
    dataset = MedGroundingDataset(str(small_store), pipeline=_pipeline())
    packed = dataset[_position(dataset, image_id)]
    sample, inputs = packed['data_samples'], packed['inputs']
    assert inputs.shape == (3, 48, 64)
    assert inputs.dtype == torch.float32
    assert inputs.min() >= 0
    assert inputs.max() <= 255
    assert sample.img_id == image_id
    assert sample.ori_shape == (24, 32)
    assert sample.scale_factor == (2.0, 2.0)
    phrases = sample.phrases if sample.dataset_mode == 'VG' else sample.text
    assert len(phrases) >= 1
    labels = sample.gt_instances.labels
    assert len(labels) == len(sample.instances)
    for label, instance in zip(labels.tolist(), sample.instances, strict=True):
        if sample.dataset_mode == 'VG':
            assert label == instance['bbox_label']
        else:
            name = dataset.metainfo['classes'][instance['bbox_label']]
            assert sample.phrase_labels[label] == name


def test_masks_reach_the_instances_at_the_size_of_the_image(small_store: Path) -> None:
    dataset = MedGroundingDataset(
        str(small_store),
        modalities=['ct'],
        labels=['liver', 'kidney_left'],
        pipeline=_pipeline(with_mask=True),
        masks=True,
    )
    instances = dataset[_position(dataset, 'ct-0')]['data_samples'].gt_instances
    masks = instances.masks.to_ndarray()
    assert masks.shape == (2, 48, 64)
    for mask, box in zip(masks, instances.bboxes.tensor.int().tolist(), strict=True):
        x1, y1, x2, y2 = box
        assert mask.sum() == mask[y1:y2, x1:x2].sum() == (x2 - x1) * (y2 - y1)


def test_missing_masks_are_found_when_the_data_set_opens(small_store: Path) -> None:
    with pytest.raises(ValueError, match=r"3 of 9 .* instance without mask, .*'ct-stone'"):
        MedGroundingDataset(str(small_store), masks=True)


def test_train_and_test_see_the_same_image(small_store: Path) -> None:
    images = [
        MedGroundingDataset(str(small_store), pipeline=_pipeline(mode), split='val')[0]['inputs']
        for mode in ('train', 'test')
    ]
    assert torch.equal(*images)


@pytest.mark.parametrize(
    ('indices', 'expected'),
    [
        pytest.param(2, ['ct-0', 'ct-1'], id='first'),
        pytest.param(-1, ['ct-stone'], id='last'),
        pytest.param([3, 0], ['ct-3', 'ct-0'], id='positions'),
    ],
)
def test_indices_and_subsets(
    small_store: Path, indices: int | list[int], expected: list[str]
) -> None:
    arguments = {'data_root': str(small_store), 'modalities': ['ct']}
    for dataset in (
        MedGroundingDataset(**arguments, indices=indices),
        MedGroundingDataset(**arguments).get_subset(indices),
    ):
        assert [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))] == expected
    with pytest.raises(IndexError, match='outside a data set of'):
        dataset.get_data_info(len(expected))


def test_get_subset_leaves_the_original_alone(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store))
    assert len(dataset.get_subset(2)) == 2
    assert len(dataset) == 9


def test_modality_indices_are_positions_in_the_selection(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), split='train')
    found = dataset.modality_indices()
    assert list(found) == ['ct', 'endoscopy']
    for name, rows in found.items():
        assert {dataset.get_data_info(i)['modality'] for i in rows} == {name}
    assert sorted(np.concatenate(list(found.values()))) == list(range(8))


def test_lazy_init_opens_on_first_use(tmp_path: Path, small_store: Path) -> None:
    dataset = MedGroundingDataset(str(tmp_path / 'later'), lazy_init=True)
    shutil.copytree(small_store, tmp_path / 'later')
    assert dataset.metainfo['classes'][0] == 'liver'
    assert len(dataset) == 9


def test_workers_and_single_modality_batches(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), split='train', pipeline=_pipeline())
    batches = ModalityBalancedBatchSampler(DefaultSampler(dataset, seed=0), batch_size=2)
    loader = DataLoader(dataset, batch_sampler=batches, num_workers=1, collate_fn=list)
    modalities = [{s['data_samples'].modality for s in batch} for batch in loader]
    assert len(modalities) == 4
    assert all(len(found) == 1 for found in modalities)


def test_runner_builds_the_loader_and_its_hook_sets_the_epoch(small_store: Path) -> None:
    config = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='ModalityBalancedBatchSampler', temperature=1.0),
        dataset=dict(
            type='MedGroundingDataset',
            data_root=str(small_store),
            split='train',
            pipeline=[*_pipeline()[:-1], dict(type='PackGroundingInputs')],
        ),
    )
    with DefaultScope.overwrite_default_scope('mmdet_medglip'):
        loader = Runner.build_dataloader(config, seed=0)
    batch = next(iter(loader))
    assert len(batch['inputs']) == len(batch['data_samples']) == 2
    orders = []
    for epoch in range(2):
        loop = SimpleNamespace(dataloader=loader)
        DistSamplerSeedHook().before_train_epoch(SimpleNamespace(train_loop=loop, epoch=epoch))
        orders.append(list(loader.batch_sampler))
    assert orders[0] != orders[1]


def test_pickle_is_small_and_works(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), pipeline=_pipeline('test'))
    data = pickle.dumps(dataset)
    assert len(data) < 100_000
    assert torch.equal(pickle.loads(data)[0]['inputs'], dataset[0]['inputs'])


def test_builds_from_a_config_in_a_default_scope(small_store: Path) -> None:
    config = dict(
        type='MedGroundingDataset', data_root=str(small_store), pipeline=_pipeline('test')
    )
    with DefaultScope.overwrite_default_scope('mmdet_medglip'):
        assert DATASETS.build(config)[0]['inputs'].shape == (3, 48, 64)


def test_missing_image_is_an_error_and_never_another_sample(
    tmp_path: Path, small_store: Path
) -> None:
    root = tmp_path / 'store'
    shutil.copytree(small_store, root)
    dataset = MedGroundingDataset(str(root), pipeline=_pipeline())
    path = Path(dataset.get_data_info(1)['img_path'])
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f'{path}.* of record .ct-1. does not exist'):
        dataset[1]
    path.write_bytes(b'damaged')
    with pytest.raises(ValueError, match=r"record 'ct-1' is not a readable PNG or JPEG"):
        dataset[1]


@pytest.mark.parametrize(
    ('test_mode', 'calls'), [pytest.param(False, 4, id='train'), pytest.param(True, 1, id='test')]
)
def test_pipeline_that_returns_none_retries_the_same_record_then_fails(
    small_store: Path, test_mode: bool, calls: int
) -> None:
    seen = []

    def drop(results: dict) -> None:
        seen.append(results['img_id'])

    dataset = MedGroundingDataset(
        str(small_store), pipeline=[drop], max_refetch=3, test_mode=test_mode
    )
    with pytest.raises(ValueError, match=f"None for record 'ct-0' .* {calls} times"):
        dataset[0]
    assert seen == ['ct-0'] * calls


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'split': 'training'}, 'split must be one of', id='unknown split'),
        pytest.param({'split': 'test'}, "no record of split 'test'; it has", id='absent split'),
        pytest.param(
            {'modalities': ['pet']}, "Unknown modality 'pet'; known are ct", id='modality'
        ),
        pytest.param(
            {'modalities': ['fundus']},
            "no record of modality 'fundus'; it has",
            id='absent modality',
        ),
        pytest.param({'labels': ['livr']}, "Unknown label 'livr'.*'liver'", id='unknown label'),
        pytest.param({'labels': []}, 'labels must be a list with at least one', id='no labels'),
        pytest.param({'modalities': 'ct'}, 'modalities must be a list', id='string for a list'),
        pytest.param(
            {'split': 'val', 'modalities': ['endoscopy']}, 'No record of .* is selected', id='empty'
        ),
        pytest.param(
            {'filter_cfg': {'min_size': 3}}, "filter_cfg knows .* 'min_size'", id='filter'
        ),
        pytest.param({'prefer': 'boxes'}, 'prefer must be one of', id='prefer'),
        pytest.param({'ann_file': 'a.csv'}, 'does not exist', id='missing annotation file'),
    ],
)
def test_bad_arguments(small_store: Path, arguments: dict, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        MedGroundingDataset(str(small_store), **arguments)


def test_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'tools/ingest.py'):
        MedGroundingDataset(str(tmp_path / 'none'))


def test_labels_count_as_what_lies_above_them(small_store: Path) -> None:
    dataset = MedGroundingDataset(str(small_store), split='train', level='class')
    assert dataset.metainfo['classes'] == (
        *('hepatobiliary_organ', 'kidney', 'kidney_finding', 'mucosal_finding'),
    )
    stone = dataset.get_data_info(_position(dataset, 'ct-stone'))
    assert [i['bbox_label'] for i in stone['instances']] == [2]
    organs = dataset.get_data_info(_position(dataset, 'ct-1'))
    assert [i['label'] for i in organs['instances']] == ['liver', 'kidney_left']


def test_images_of_sources_that_annotate_a_group_in_part_are_left_out(small_store, log) -> None:
    whole = MedGroundingDataset(str(small_store), split='train')
    regions = MedGroundingDataset(str(small_store), split='train', level='region')
    assert regions.metainfo['classes'] == ('abdomen',)
    # One source draws livers and kidneys, the other kidney stones: neither all of the abdomen.
    assert set(regions.modality_indices()) == {'endoscopy'}
    lost = len(whole.modality_indices()['ct'])
    said = f'No region is left to ask of abdomen, stones: {lost} of {len(whole)} records'
    assert any(said in text for _, text in log)


def test_a_group_is_asked_only_where_all_of_it_is_annotated(small_store: Path) -> None:
    dataset = MedGroundingDataset(
        str(small_store), split='train', level='region', pipeline=_pipeline('test')
    )
    polyp = dataset[_position(dataset, 'scope-0')]['data_samples']
    assert polyp.metainfo['phrase_labels'] == ('abdomen',)
    assert dataset.vocabulary.scope('source', modality='ct', source='stones') == ()


def test_level_must_be_one(small_store: Path) -> None:
    with pytest.raises(ValueError, match=r"level must be one of .*'class'.*, got 'group'"):
        MedGroundingDataset(str(small_store), level='group')


def test_phrases_of_boxes_are_packed(small_store: Path) -> None:
    pipeline = _pipeline()
    pipeline[-2] |= dict(group_prob=1.0, full_label_prob=1.0)
    pipeline[-1] = dict(type='PackGroundingInputs')
    dataset = MedGroundingDataset(str(small_store), split='train', pipeline=pipeline)
    sample = dataset[_position(dataset, 'scope-0')]['data_samples']
    assert sample.metainfo['phrase_labels'][sample.gt_instances.labels[0]] == 'polyp'
    assert sample.gt_instances.phrases.dtype == torch.bool
    assert sample.gt_instances.phrases.tolist() == [[True, True, True]]
