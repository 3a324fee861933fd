import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmdet.datasets.odvg import ODVGDataset

from mmdet_medglip.datasets import MedGroundingDataset
from mmdet_medglip.datasets.sources.odvg import OdvgSource
from mmdet_medglip.ingest.export import export_odvg
from mmdet_medglip.ingest.readers.odvg import OdvgReader
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]


def _source(path: Path, store: GroundingStore) -> OdvgSource:
    return OdvgSource(path, store.root, Ontology.default())


def _mmdet(store: GroundingStore, path: Path, **arguments: Any) -> ODVGDataset:
    prefix = {'img': str(store.root)}
    return ODVGDataset(
        ann_file=str(path), data_prefix=prefix, pipeline=[], return_classes=True, **arguments
    )


def test_detection_files(full_store, tmp_path: Path) -> None:
    report = export_odvg(full_store, tmp_path)
    names = ['train_od.jsonl', 'val_od.jsonl', 'test_od.jsonl', 'label_map.json']
    assert [path.name for path in report.files] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert (report.records, report.regions) == (5, 7)
    assert sorted(report.left_out.values()) == [1, 1]
    label_map = json.loads((tmp_path / 'label_map.json').read_text())
    names = [Ontology.default().display_name(label) for label in full_store.labels]
    assert label_map == {str(number): name for number, name in enumerate(names)}
    (negative,) = _lines(tmp_path / 'test_od.jsonl')
    assert negative['detection'] == {'instances': []}
    assert (negative['body_region'], negative['licence']) == ('abdomen', 'CC BY 4.0')


def test_mmdet_loads_detection_files(full_store, tmp_path: Path) -> None:
    report = export_odvg(full_store, tmp_path)
    ids = {label: number for number, label in enumerate(full_store.labels)}
    records = {str(full_store.image_path(record)): record for record in full_store}
    seen = 0
    for path in report.files[:-1]:
        dataset = _mmdet(full_store, path, label_map_file=str(tmp_path / 'label_map.json'))
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            record = records[info['img_path']]
            wanted = [i for i in record.instances if i.label and i.bbox[2] - i.bbox[0] >= 1]
            assert [tuple(i['bbox']) for i in info['instances']] == [i.bbox for i in wanted]
            assert [i['bbox_label'] for i in info['instances']] == [ids[i.label] for i in wanted]
            assert info['text'][str(ids['liver'])] == 'liver'
            seen += 1
    assert seen == report.records


def test_detection_records_come_back(full_store, tmp_path: Path) -> None:
    report = export_odvg(full_store, tmp_path)
    stored = {record.image_id: record for record in full_store}
    for path in report.files[:-1]:
        for record in _source(path, full_store):
            original = stored.pop(record.image_id)
            kept = [i for i in original.instances if i.label]
            for name in ('bbox', 'label', 'mask', 'is_crowd'):
                expected = [getattr(instance, name) for instance in kept]
                assert [getattr(instance, name) for instance in record.instances] == expected
            assert (record.split, record.modality) == (original.split, original.modality)
            assert record.patient_id == original.patient_id
    assert list(stored) == ['words']


def test_the_data_set_reads_its_own_label_map(full_store, tmp_path: Path) -> None:
    export_odvg(full_store, tmp_path)
    dataset = MedGroundingDataset(
        str(tmp_path), 'val_od.jsonl', label_map='label_map.json', data_prefix={'img': 'elsewhere'}
    )
    assert dataset.metainfo['classes'] == full_store.labels


def test_grounding_lines(full_store, tmp_path: Path) -> None:
    report = export_odvg(full_store, tmp_path, 'VG')
    assert [p.name for p in report.files] == ['train_vg.jsonl', 'val_vg.jsonl', 'test_vg.jsonl']
    assert (report.records, report.regions, sum(report.left_out.values())) == (5, 8, 1)
    lines = {line['image_id']: line['grounding'] for p in report.files for line in _lines(p)}
    for grounding in lines.values():
        for region in grounding['regions']:
            ((start, end),) = region['tokens_positive']
            assert grounding['caption'][start:end] == region['phrase']
    assert [r['phrase'] for r in lines['sub/größe 1']['regions']] == ['liver', 'left kidney']
    assert [r['phrase'] for r in lines['val']['regions']] == ['kidney stones'] * 2 + ['liver']
    assert [r['phrase'] for r in lines['scope']['regions']] == ['polyp', 'second polyp']
    assert lines['words']['caption'] == 'a red spot'
    assert lines['negative']['regions'] == []
    assert lines['negative']['caption'].endswith('with no annotated finding.')
    assert 'report' not in lines


def test_mmdet_loads_grounding_files(full_store, tmp_path: Path) -> None:
    export_odvg(full_store, tmp_path, 'VG')
    dataset = _mmdet(full_store, tmp_path / 'train_vg.jsonl')
    info = dataset.get_data_info(0)
    assert info['dataset_mode'] == 'VG'
    assert [tuple(i['bbox']) for i in info['instances']] == [
        i.bbox for i in full_store[0].instances
    ]
    words = {
        label: ' '.join(info['text'][start:end] for start, end in phrase['tokens_positive'])
        for label, phrase in info['phrases'].items()
    }
    assert words == {0: 'liver', 1: 'left kidney'}


def test_grounding_records_come_back(full_store, tmp_path: Path) -> None:
    (path,) = export_odvg(full_store, tmp_path, 'VG', split='train', modality='endoscopy').files
    scope = _source(path, full_store)[0]
    original = full_store[3]
    assert scope.caption == original.caption
    for name in ('bbox', 'tokens_positive'):
        assert [getattr(i, name) for i in scope.instances] == [
            getattr(i, name) for i in original.instances
        ]


@pytest.mark.parametrize('kind', ['OD', 'VG'])
def test_the_reader_of_ingest_reads_it(full_store, tmp_path: Path, label_map, kind: str) -> None:
    report = export_odvg(full_store, tmp_path, kind, modality='ct', images='link')
    files = [{'file': path.name} for path in report.files if path.suffix == '.jsonl']
    common = {'source': 'again', 'modality': 'ct', 'label_map': label_map}
    reader = OdvgReader(tmp_path, annotations=files, **common)
    stored = {full_store.image_path(r).name: r for r in full_store if r.modality == 'ct'}
    for item in reader.items():
        (image,) = reader.read(item)
        record = stored.pop(image.image.name)
        assert (image.folder, image.patient) == (record.split, record.patient_id)
        for region, instance in zip(image.regions, record.instances, strict=True):
            assert label_map(region.name).label == instance.label
            assert Instance(region.bbox, instance.label).bbox == instance.bbox
            assert (region.mask, region.is_crowd) == (instance.mask, instance.is_crowd)
            assert bool(region.tokens_positive) is (kind == 'VG')
    assert stored == {}
    assert reader.take_rejects() == []


def test_every_label_survives_its_display_name(make_store: Callable, tmp_path: Path) -> None:
    ontology = Ontology.default()
    boxes = tuple(Instance((1, 1, 5, 5), label) for label in ontology.labels)
    store = make_store([Record('all', 8, 8, 'ct', 'demo', 'p', instances=boxes)])
    path = export_odvg(store, tmp_path).files[0]
    assert [i.label for i in _source(path, store)[0].instances] == list(ontology.labels)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param({'kind': 'od'}, "'kind' must be 'OD' or 'VG', got 'od'", id='kind'),
        pytest.param({'images': 'all'}, "'images' must be one of", id='images'),
        pytest.param({'split': 'val', 'modality': 'xray'}, 'has no record of', id='empty'),
    ],
)
def test_wrong_arguments(full_store, tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        export_odvg(full_store, tmp_path / 'out', **arguments)
    assert not (tmp_path / 'out').exists()


def test_the_same_store_gives_the_same_bytes(full_store, tmp_path: Path) -> None:
    for name in ('one', 'two'):
        export_odvg(full_store, tmp_path / name, 'VG')
    for path in (tmp_path / 'one').iterdir():
        assert path.read_bytes() == (tmp_path / 'two' / path.name).read_bytes()
