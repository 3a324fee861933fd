"""Annotation files of strangers: one error that names the file and the place, no bomb."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmdet_medglip.datasets.sources.coco import CocoSource
from mmdet_medglip.datasets.sources.odvg import OdvgSource, read_label_map
from mmdet_medglip.ontology import Ontology
from tests.ingest.faults.written import coco_document, odvg_line


def coco(folder: Path, **changes: Any) -> CocoSource:
    tree = coco_document({'a': None, 'b': None})
    tree['annotations'][1] |= changes.pop('annotation', {})
    path = folder / 'a.json'
    path.write_text(json.dumps(tree | changes))
    return CocoSource(path, folder, Ontology.default(), 'endoscopy')


def odvg(folder: Path, *lines: Any) -> OdvgSource:
    path = folder / 'a.jsonl'
    path.write_text('\n'.join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    return OdvgSource(path, folder, Ontology.default(), 'endoscopy')


def test_sound_ones_are_read(tmp_path: Path) -> None:
    assert len(coco(tmp_path)) == 2
    assert len(odvg(tmp_path, odvg_line('a'))) == 1


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'images': {}}, '"images" must be a list', id='images'),
        pytest.param({'images': [7]}, r'images\[0\] must be an object with "id"', id='image'),
        pytest.param({'images': [{'id': [1]}]}, r'images\[0\]', id='id-is-a-list'),
        pytest.param({'annotations': [None]}, r'annotations\[0\]', id='annotation'),
        pytest.param({'categories': [{'id': 1}]}, 'category 1 has no "name"', id='nameless'),
        pytest.param(
            {'categories': [{'id': 1, 'name': 'polyp'}] * 2}, 'two of categories', id='twice'
        ),
        pytest.param({'annotation': {'bbox': '1234'}}, 'bbox of four numbers', id='box-is-text'),
        pytest.param({'annotation': {'bbox': [9**400, 0, 1, 1]}}, 'four numbers', id='box-is-huge'),
        pytest.param({'annotation': {'bbox': [1, None, 1, 1]}}, 'four numbers', id='box-has-null'),
        pytest.param(
            {'annotation': {'segmentation': [[0, 0, 1e9, 0, 1e9, 1e9]]}},
            'far outside its image',
            id='outline-that-filled-the-memory',
        ),
        pytest.param(
            {'annotation': {'segmentation': {'size': [24, 32], 'counts': 'o' * 90}}},
            'run length is damaged',
            id='run-length-that-ended-the-process',
        ),
        pytest.param(
            {'annotation': {'segmentation': {'size': [24, 32], 'counts': [0, 10**12]}}},
            'do not add up',
            id='runs-of-another-image',
        ),
        pytest.param({'annotation': {'segmentation': 'x'}}, 'must be polygons', id='segmentation'),
    ],
)
def test_coco(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=rf'a\.json.*{message}'):
        coco(tmp_path, **changes)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        pytest.param('[' * 100_000, 'line 2 is not valid JSON', id='deep'),
        pytest.param('7', 'line 2 is not valid JSON .*expected an object', id='number'),
        pytest.param(odvg_line('b', detection=[]), 'line 2: ', id='detection-is-a-list'),
        pytest.param(
            odvg_line('b', body_region={}), "line 2: 'body_region' must be text", id='region'
        ),
        pytest.param(odvg_line('b', filename='a\0b'), 'must be relative', id='nul'),
        pytest.param(odvg_line('b', filename='../a'), 'must be relative', id='climbs'),
        pytest.param(
            odvg_line('b', grounding={'caption': 7, 'regions': []}),
            "'caption' must be text",
            id='caption',
        ),
        pytest.param(
            odvg_line(
                'b', detection={'instances': [{'bbox': [9**400, 0, 1, 1], 'category': 'polyp'}]}
            ),
            'line 2: ',
            id='box-is-huge',
        ),
    ],
)
def test_odvg(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf'a\.jsonl, {message}|a\.jsonl.*{message}'):
        odvg(tmp_path, odvg_line('a'), line)


def test_label_map_that_is_nested_deep(tmp_path: Path) -> None:
    path = tmp_path / 'labels.json'
    path.write_text('[' * 100_000)
    with pytest.raises(ValueError, match=r'labels\.json is not valid JSON'):
        read_label_map(path)
