import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.datasets.sources.coco import CocoSource
from mmdet_medglip.ingest.export import export_coco
from mmdet_medglip.ingest.readers.coco import CocoReader
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS, Instance, Record


def _load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding='utf-8'))


def _source(path: Path, store: GroundingStore) -> CocoSource:
    return CocoSource(path, store.root, Ontology.default())


def test_one_file_per_split_with_all_categories(full_store, tmp_path: Path) -> None:
    report = export_coco(full_store, tmp_path)
    assert [path.name for path in report.files] == ['train.json', 'val.json', 'test.json']
    assert (report.records, report.regions) == (6, 8)
    assert sum(report.left_out.values()) == 1
    assert sorted(os.listdir(tmp_path)) == ['test.json', 'train.json', 'val.json']
    for path in report.files:
        known = [c['name'] for c in _load(path)['categories'] if c['supercategory'] != 'phrase']
        assert tuple(known) == full_store.labels
    first = _load(report.files[0])['categories'][0]
    parent = Ontology.default().parent_class(first['name'])
    assert (first['id'], first['supercategory']) == (1, parent)


def test_fields_of_an_image_and_its_annotation(full_store, tmp_path: Path) -> None:
    export_coco(full_store, tmp_path, split='train', modality='ct')
    data = _load(tmp_path / 'train.json')
    (image,) = data['images']
    expected = {
        'id': 1, 'image_id': 'sub/größe 1', 'height': 24, 'width': 32, 'modality': 'ct',
        'source': 'demo', 'patient_id': 'p-sub/größe 1', 'split': 'train', 'view': 'axial',
        'spacing_mm': [0.8, 0.75], 'rescale_intercept': -1024.0, 'rescale_type': 'HU',
        'license': 1,
    }  # fmt: skip
    assert {key: image[key] for key in expected} == expected
    assert data['licenses'] == [{'id': 1, 'name': 'CC BY 4.0', 'url': ''}]
    liver, kidney = data['annotations']
    assert (liver['bbox'], liver['area'], liver['iscrowd']) == ([4, 6, 16, 12], 191, 0)
    assert liver['segmentation']['size'] == [24, 32]
    assert (kidney['volume_instance_id'], kidney['annotator']) == ('v:1', 'reader 2')
    assert [a['image_id'] for a in data['annotations']] == [1, 1]


def test_pycocotools_reads_it(full_store, tmp_path: Path) -> None:
    export_coco(full_store, tmp_path)
    coco = COCO(str(tmp_path / 'val.json'))
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[1], iscrowd=None))
    assert [a['iscrowd'] for a in annotations] == [1, 0, 0]
    assert coco.annToMask(annotations[2]).sum() == 191


def test_records_come_back(full_store, tmp_path: Path) -> None:
    report = export_coco(full_store, tmp_path)
    back = [record for path in report.files for record in _source(path, full_store)]
    back = {record.image_id: record for record in back}
    assert len(back) == len(full_store)
    for record in full_store:
        other = back[record.image_id]
        for name in ('modality', 'split', 'source', 'patient_id', 'caption', 'image_path', 'view'):
            assert getattr(other, name) == getattr(record, name)
        assert (other.spacing_mm, other.rescale_type) == (record.spacing_mm, record.rescale_type)
        kept = [i for i in record.instances if i.label or i.tokens_positive]
        for name in ('bbox', 'label', 'mask', 'is_crowd', 'tokens_positive'):
            expected = [getattr(instance, name) for instance in kept]
            assert [getattr(instance, name) for instance in other.instances] == expected


def test_the_data_set_gives_the_same_from_store_and_file(full_store, tmp_path: Path) -> None:
    export_coco(full_store, tmp_path, images='link')
    arguments = {'split': 'train', 'modalities': ['ct'], 'masks': False}
    ours = MedGroundingDataset(str(full_store.root), **arguments)
    theirs = MedGroundingDataset(str(tmp_path), 'train.json', **arguments)
    first, second = ours.get_data_info(0), theirs.get_data_info(0)
    for info, dataset in ((first, ours), (second, theirs)):
        for instance in info['instances']:
            instance['bbox_label'] = dataset.metainfo['classes'][instance['bbox_label']]
    assert first['instances'] == second['instances']
    assert (first['img_id'], first['spacing_mm']) == (second['img_id'], second['spacing_mm'])
    assert Path(second['img_path']).is_relative_to(tmp_path)


def test_the_reader_of_ingest_reads_it(full_store, tmp_path: Path, label_map) -> None:
    export_coco(full_store, tmp_path, modality='ct', images='link')
    files = [{'file': f'{split}.json', 'split': split} for split in SPLITS]
    common = {'source': 'again', 'modality': 'ct', 'label_map': label_map}
    reader = CocoReader(tmp_path, annotations=files, **common)
    stored = {full_store.image_path(r).name: r for r in full_store if r.modality == 'ct'}
    for item in reader.items():
        (image,) = reader.read(item)
        record = stored.pop(image.image.name)
        assert (image.folder, image.size) == (record.split, (record.height, record.width))
        for region, instance in zip(image.regions, record.instances, strict=True):
            assert label_map(region.name).label == instance.label
            assert Instance(region.bbox, instance.label).bbox == instance.bbox
            assert (region.mask, region.is_crowd) == (instance.mask, instance.is_crowd)
    assert stored == {}
    assert reader.take_rejects() == []


def test_boxes_are_exact_float32(make_store: Callable, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    side = 4096.0
    low = (rng.random((4000, 2)) * rng.choice([1e-6, 1, side - 1], (4000, 1))).astype(np.float32)
    size = rng.random((4000, 2)) * rng.choice([1e-3, 1, side], (4000, 1)) + 1e-3
    high = np.minimum(low + size, side).astype(np.float32)
    boxes = np.concatenate([low, high], axis=1)
    boxes = boxes[(boxes[:, :2] < boxes[:, 2:]).all(axis=1)]
    instances = tuple(Instance(box, 'polyp') for box in boxes.tolist())
    record = Record('a', 4096, 4096, 'endoscopy', 'demo', 'p', instances=instances)
    store = make_store([record])
    (path,) = export_coco(store, tmp_path).files
    assert [i.bbox for i in _source(path, store)[0].instances] == [i.bbox for i in instances]


@pytest.mark.parametrize('mode', ['link', 'copy'])
def test_images_are_placed_below_the_export(full_store, tmp_path: Path, mode: str) -> None:
    for _ in range(2):
        export_coco(full_store, tmp_path, split='val', images=mode)
    (image,) = _load(tmp_path / 'val.json')['images']
    placed, stored = tmp_path / image['file_name'], full_store.root / image['file_name']
    assert placed.read_bytes() == stored.read_bytes()
    assert placed.samefile(stored) is (mode == 'link')
    assert not placed.is_symlink()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'images': 'move'}, "'images' must be one of none, link, copy", id='mode'),
        pytest.param({'split': 'dev'}, "Unknown split 'dev'", id='split'),
        pytest.param({'modality': 'mri'}, "has no modality 'mri'", id='modality'),
        pytest.param({'split': 'val', 'modality': 'xray'}, 'has no record of', id='empty'),
    ],
)
def test_wrong_arguments(full_store, tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        export_coco(full_store, tmp_path / 'out', **arguments)
    assert not (tmp_path / 'out').exists()


def test_links_into_the_store_itself_are_refused(full_store) -> None:
    with pytest.raises(ValueError, match='is the store itself'):
        export_coco(full_store, full_store.root, images='link')


def test_an_old_file_stays_when_the_export_fails(make_store: Callable, tmp_path: Path) -> None:
    store = make_store([Record('a', 8, 8, 'ct', 'demo', 'p'), Record('b', 8, 8, 'ct', 'demo', 'p')])
    (tmp_path / 'train.json').write_text('old')
    store.image_path(store[1]).unlink()
    with pytest.raises(FileNotFoundError, match="record 'b' does not exist"):
        export_coco(store, tmp_path, images='copy')
    assert (tmp_path / 'train.json').read_text() == 'old'
    assert {path.name for path in tmp_path.iterdir()} == {'train.json', 'images'}


def test_the_same_store_gives_the_same_bytes(full_store, tmp_path: Path) -> None:
    for name in ('one', 'two'):
        export_coco(full_store, tmp_path / name)
    for path in (tmp_path / 'one').iterdir():
        assert path.read_bytes() == (tmp_path / 'two' / path.name).read_bytes()
