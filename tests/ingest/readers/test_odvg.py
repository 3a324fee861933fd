"""ODVG lines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import OdvgReader, RecipeError

_IMAGE = {'filename': 'a.png', 'height': 6, 'width': 8}


def _detection(*instances: Any) -> dict[str, Any]:
    return _IMAGE | {'detection': {'instances': list(instances)}}


def _grounding(*regions: Any, caption: str = 'Two polyps.') -> dict[str, Any]:
    return _IMAGE | {'grounding': {'caption': caption, 'regions': list(regions)}}


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write an image of 6 x 8 pixels and lines; returns the images and the rejects."""

    def _read(
        *lines: Any, names: Any = None, entry: dict | None = None, **options: Any
    ) -> tuple[list, list]:
        save(tmp_path / 'img' / 'a.png', np.zeros((6, 8), dtype=np.uint8))
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        (tmp_path / 'od.jsonl').write_bytes(b'\n'.join(texts) + b'\n')
        given = {'file': 'od.jsonl', 'images': 'img'} | (entry or {})
        if names is not None:
            (tmp_path / 'names.json').write_text(json.dumps(names))
            given['label_map'] = 'names.json'
        reader = OdvgReader(tmp_path, annotations=[given], **(common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


def test_detection(read: Callable) -> None:
    run = {'size': [6, 8], 'counts': [9, 2, 37]}
    boxes = (
        {'bbox': [1, 2, 4, 5], 'label': 0, 'category': 'ulcer'},
        {'bbox': [1, 3, 2, 5], 'label': 1, 'mask': run, 'is_crowd': True},
    )
    [image], rejects = read(_detection(*boxes), names={'0': 'x', '1': 'polyp'}, **_NO_NAMES)
    first, second = image.regions
    assert (first.name, first.bbox, first.mask) == ('ulcer', (1, 2, 4, 5), None)
    assert (second.name, second.is_crowd) == ('polyp', True)
    assert np.argwhere(decode_rle(second.mask)).tolist() == [[3, 1], [4, 1]]
    assert (image.name, image.caption, rejects) == ('img/a', None, [])


class _AnyName:
    """A label map that knows every name."""

    def faults(self, names: Any) -> dict[str, str]:
        return {}


_NO_NAMES = {'label_map': _AnyName()}


def test_grounding(read: Callable) -> None:
    region = {
        'phrase': 'Two polyps',
        'bbox': [[0, 0, 2, 2], [4, 4, 6, 6]],
        'tokens_positive': [[0, 3], [4, 10]],
    }
    [image], _ = read(_grounding(region))
    assert image.caption == 'Two polyps.'
    assert [r.bbox for r in image.regions] == [(0, 0, 2, 2), (4, 4, 6, 6)]
    assert {(r.name, r.phrase, r.tokens_positive) for r in image.regions} == {
        ('Two polyps', 'Two polyps', ((0, 3), (4, 10)))
    }


def test_facts_of_a_line(read: Callable) -> None:
    line = _IMAGE | {'split': 'val', 'patient_id': 7, 'modality': 'CT', 'view': 'axial'}
    [image], _ = read(line)
    assert (image.regions, image.folder, image.patient) == ((), 'val', '7')
    assert (image.modality, image.view) == ('CT', 'axial')


def test_blank_lines_are_passed_over(read: Callable) -> None:
    found, rejects = read(b'', _IMAGE, b'  ')
    assert (len(found), rejects) == (1, [])


@pytest.mark.parametrize(
    ('line', 'detail'),
    [
        pytest.param(b'{"filename": ', 'not valid JSON', id='truncated'),
        pytest.param(b'[' * 100_000, 'nested too deep', id='deep'),
        pytest.param(b'{"filename": "\xe9"}', 'not UTF-8 at byte 61', id='latin-1'),
        pytest.param({'height': 6}, "no object with a 'filename'", id='no-name'),
        pytest.param(_IMAGE | {'detection': []}, "'detection' is no object", id='list'),
    ],
)
def test_bad_line_is_a_reject_and_the_others_stay(read: Callable, line: Any, detail: str) -> None:
    found, [reject] = read(_IMAGE, line)
    assert len(found) == 1
    assert (reject.file, reject.reason) == ('od.jsonl', 'line is not valid')
    assert reject.detail.startswith('line 2: ')
    assert detail in reject.detail


@pytest.mark.parametrize(
    ('entry', 'detail'),
    [
        pytest.param(7, 'expected an object, got 7', id='number'),
        pytest.param({'bbox': [1, 2, 3, 4], 'label': 5}, "label '5' has no", id='label'),
        pytest.param({'bbox': [1, 2, 3, 4]}, 'neither', id='no-name'),
        pytest.param({'bbox': [1, 2, 3], 'category': 'x'}, 'must be 4 numbers', id='three'),
        pytest.param({'category': 'x'}, 'must be 4 numbers', id='no-box'),
        pytest.param(
            {'bbox': [1, 2, 3, 4], 'phrase': 'x', 'tokens_positive': [[0, -1]]},
            'positions of characters',
            id='span',
        ),
        pytest.param(
            {'bbox': [1, 2, 3, 4], 'category': 'x', 'mask': {'size': [6, 8], 'counts': [9]}},
            'do not add up',
            id='mask',
        ),
    ],
)
def test_bad_region_is_a_reject_and_the_others_stay(
    read: Callable, entry: Any, detail: str
) -> None:
    [image], [reject] = read(_detection(entry, {'bbox': [1, 2, 3, 4], 'category': 'polyp'}))
    assert len(image.regions) == 1
    assert (reject.file, reject.reason) == ('img/a.png', 'region cannot be read')
    assert detail in reject.detail


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        pytest.param(_IMAGE | {'filename': '../../a.png'}, 'path leaves the data set', id='up'),
        pytest.param(_IMAGE, 'image is listed twice', id='twice'),
    ],
)
def test_bad_image_is_a_reject(read: Callable, line: dict, reason: str) -> None:
    found, [reject] = read(_IMAGE, line)
    assert len(found) == 1
    assert reject.reason == reason


def test_items_hold_positions_only(tmp_path: Path, read: Callable, common: dict) -> None:
    read(_detection({'bbox': [1, 2, 4, 5], 'category': 'polyp'}))
    reader = OdvgReader(tmp_path, annotations=[{'file': 'od.jsonl', 'images': 'img'}], **common)
    [item] = reader.items()
    assert item.files == ('img/a.png', 'od.jsonl')
    assert item.payload['found'] == {'file': 'od.jsonl', 'start': 0, 'length': 122}


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        pytest.param({'0': 'blob'}, "'blob'", id='unknown-name'),
        pytest.param(['polyp'], 'must be a JSON object', id='list'),
    ],
)
def test_bad_label_map(read: Callable, names: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read(_IMAGE, names=names)


def test_missing_file(tmp_path: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match=r'x\.jsonl does not exist'):
        OdvgReader(tmp_path, annotations=[{'file': 'x.jsonl'}], **common).items()
