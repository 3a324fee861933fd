"""Labels and sources that training does not see."""

import pytest

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.datasets.hold_out import HoldOut, share
from mmdet_medglip.ontology import Ontology

ONTOLOGY = Ontology.default()


def _classes(store, **hold_out):
    return MedGroundingDataset(str(store), split='train', hold_out=hold_out).metainfo['classes']


def test_shares_are_disjoint_complete_and_keep_sides_together():
    rules = [HoldOut(ONTOLOGY, fold=fold, folds=4, part='unseen') for fold in range(4)]
    for label in ONTOLOGY.labels:
        assert sum(rule.takes_label(label) for rule in rules) == 1
        other = ONTOLOGY.opposite(label)
        if other is not None and {*label.split('_')} ^ {*other.split('_')} == {'left', 'right'}:
            assert share(label, 4) == share(other, 4)
    sizes = [sum(map(rule.takes_label, ONTOLOGY.labels)) for rule in rules]
    assert min(sizes) > len(ONTOLOGY.labels) / 8


@pytest.mark.parametrize('rule', [dict(fold=1, folds=3), dict(labels=['liver', 'Colon polyp'])])
def test_parts_are_complements(rule):
    seen, unseen = (HoldOut(ONTOLOGY, **rule, part=part) for part in ('seen', 'unseen'))
    assert all(seen.takes_label(i) != unseen.takes_label(i) for i in ONTOLOGY.labels)
    assert any(map(unseen.takes_label, ONTOLOGY.labels))


def test_held_out_labels_lose_their_boxes_and_keep_their_images(small_store):
    whole = MedGroundingDataset(str(small_store), split='train')
    seen = MedGroundingDataset(
        str(small_store), split='train', hold_out=dict(labels=['left kidney'])
    )
    assert seen.metainfo['classes'] == ('liver', 'kidney_stone', 'polyp')
    assert len(seen) == len(whole)
    named = [i['bbox_label'] for i in seen.get_data_info(0)['instances']]
    assert named == [0]
    assert _classes(small_store, labels=['left kidney'], part='unseen') == ('kidney_left',)


def test_an_image_of_unseen_labels_alone_counts_as_empty(small_store):
    rule = dict(hold_out=dict(labels=['kidney stone']), filter_cfg=dict(filter_empty_gt=True))
    ids = MedGroundingDataset(str(small_store), split='train', **rule)
    assert 'ct-stone' not in {ids.get_data_info(i)['img_id'] for i in range(len(ids))}


def test_images_of_a_source_without_labels_are_left_out_and_counted(small_store, log):
    stones = MedGroundingDataset(
        str(small_store), split='train', hold_out=dict(labels=['kidney stone'])
    )
    assert 'stones' not in {stones.get_data_info(i)['source'] for i in range(len(stones))}
    assert any(
        'No label is left to ask of stones: 1 of 8 records are left out' in text for _, text in log
    )
    seen = MedGroundingDataset(str(small_store), split='train', hold_out=dict(labels=['polyp']))
    modalities = {seen.get_data_info(i)['modality'] for i in range(len(seen))}
    assert modalities == {'ct'}
    whole = MedGroundingDataset(str(small_store), split='train').modality_indices()
    assert len(seen) == len(whole['ct'])
    lost = f'{len(whole["endoscopy"])} of {sum(map(len, whole.values()))} records are left out'
    assert any(lost in text for _, text in log)


def test_held_out_sources(small_store):
    rule = dict(sources=['stones'])
    seen = MedGroundingDataset(str(small_store), split='train', hold_out=rule)
    unseen = MedGroundingDataset(
        str(small_store), split='train', hold_out=rule | dict(part='unseen')
    )
    assert [unseen.get_data_info(i)['img_id'] for i in range(len(unseen))] == ['ct-stone']
    assert len(seen) == 7
    assert seen.metainfo['classes'] == unseen.metainfo['classes']


@pytest.mark.parametrize(
    ('rule', 'message'),
    [
        (dict(part='none'), 'hold_out.part must be one of'),
        (dict(fold=3, folds=3), r'hold_out.fold must be at least 0 and below folds=3, got 3'),
        (dict(labels=['lever']), r"hold_out.labels: Unknown label 'lever'"),
        (dict(labels='liver'), 'hold_out.labels must be a list'),
        (dict(sources=['other']), "has no record of 'other'; it has"),
        (dict(labels=['heart'], part='unseen'), 'hold_out leaves no label of'),
    ],
)
def test_bad_rules(small_store, rule, message):
    with pytest.raises(ValueError, match=message):
        MedGroundingDataset(str(small_store), split='train', hold_out=rule)
