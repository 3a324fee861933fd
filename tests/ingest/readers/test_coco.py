"""COCO json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import CocoReader, RecipeError

_IMAGE = {'id': 7, 'file_name': 'a.png', 'height': 6, 'width': 8}
_CATEGORIES = [{'id': 0, 'name': 'Polyp'}, {'id': 3, 'name': 'polyp'}]


def _annotation(**changes: Any) -> dict[str, Any]:
    return {'id': 1, 'image_id': 7, 'category_id': 3, 'bbox': [1, 2, 3, 3]} | changes


@pytest.fixture
def write(tmp_path: Path, save: Callable) -> Callable[..., list[dict[str, str]]]:
    """Write an image and a json beside it; returns the option ``annotations``."""

    def _write(annotations: list[dict], images: list[dict] | None = None) -> list[dict[str, str]]:
        save(tmp_path / 'train' / 'a.png', np.zeros((6, 8), dtype=np.uint8))
        data = {'images': images or [_IMAGE], 'annotations': annotations}
        (tmp_path / 'train' / 'a.json').write_text(json.dumps(data | {'categories': _CATEGORIES}))
        return [{'file': 'train/a.json', 'images': 'train', 'split': 'train'}]

    return _write


def test_box_polygon_and_crowd(tmp_path: Path, common: dict, write: Callable) -> None:
    square = [[1, 2, 4, 2, 4, 5, 1, 5]]
    counts = [9, 2, 37]
    given = write(
        [
            _annotation(segmentation=square),
            _annotation(id=2, category_id=0, bbox=[1, 3, 1, 2], iscrowd=1,
                        segmentation={'size': [6, 8], 'counts': counts}),
        ]
    )  # fmt: skip
    [(record, image)] = CocoReader(tmp_path, annotations=given, **common)
    assert image == tmp_path / 'train' / 'a.png'
    assert record.image_id == 'demo/train/a'
    first, second = record.instances
    assert (first.label, first.bbox, first.is_crowd) == ('polyp', (1, 2, 4, 5), False)
    assert decode_rle(first.mask)[2:5, 1:4].all()
    assert decode_rle(first.mask).sum() == 9
    assert second.is_crowd
    assert np.argwhere(decode_rle(second.mask)).tolist() == [[3, 1], [4, 1]]


def test_split_follows_the_folder(tmp_path: Path, common: dict, write: Callable) -> None:
    options = common | {'split': {'folders': {'train': 'test'}}}
    [(record, _)] = CocoReader(tmp_path, annotations=write([_annotation()]), **options)
    assert record.split == 'test'


@pytest.mark.parametrize(
    ('unannotated', 'records', 'skipped'),
    [
        pytest.param('negative', 1, [], id='negative'),
        pytest.param('skip', 0, ['image without annotation'], id='skip'),
    ],
)
def test_image_without_annotation(
    tmp_path: Path, common: dict, write: Callable, unannotated: str, records: int, skipped: list
) -> None:
    reader = CocoReader(tmp_path, annotations=write([]), unannotated=unannotated, **common)
    assert len(list(reader)) == records
    assert [item.reason for item in reader.skipped] == skipped


@pytest.mark.parametrize(
    ('bbox', 'expected'),
    [
        pytest.param([-0.4, 0, 4, 6.4], (0, 0, 3.6, 6), id='rounding-is-clipped'),
        pytest.param([-2, 0, 4, 4], 'must lie inside', id='outside-is-skipped'),
        pytest.param([1, 1, 0, 4], 'x1 < x2', id='empty-is-skipped'),
        pytest.param([float('nan'), 1, 1, 4], 'must be finite', id='nan-is-skipped'),
        pytest.param([1, 2, 3], 'must be \\[x, y', id='three-numbers'),
    ],
)
def test_boxes_at_the_border(
    tmp_path: Path, common: dict, write: Callable, bbox: list, expected: Any
) -> None:
    reader = CocoReader(tmp_path, annotations=write([_annotation(bbox=bbox)]), **common)
    items = list(reader)
    if isinstance(expected, tuple):
        assert items[0][0].instances[0].bbox == pytest.approx(expected)
        return
    assert items == []
    assert expected.replace('\\', '') in reader.skipped[0].detail


@pytest.mark.parametrize(
    ('image', 'detail'),
    [
        pytest.param(_IMAGE | {'file_name': '../../x.png'}, "free of '..'", id='climbs'),
        pytest.param(_IMAGE | {'file_name': '/etc/passwd'}, 'relative', id='absolute'),
        pytest.param(_IMAGE | {'file_name': 'gone.png'}, 'does not exist', id='missing'),
        pytest.param(_IMAGE | {'height': 9}, 'has height 6, the json says 9', id='other-height'),
        pytest.param({'id': 7}, "lacks 'file_name'", id='no-name'),
    ],
)
def test_bad_image_entry_is_skipped(
    tmp_path: Path, common: dict, write: Callable, image: dict, detail: str
) -> None:
    good = _IMAGE | {'id': 8}
    given = write([_annotation(image_id=8)], [image, good])
    reader = CocoReader(tmp_path, annotations=given, **common)
    assert len(list(reader)) == 1
    assert detail in reader.skipped[0].detail


def test_unknown_category_stops_with_a_hint(
    tmp_path: Path, common: dict, write: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_CATEGORIES[0], 'name', 'weird thing')
    reader = CocoReader(tmp_path, annotations=write([_annotation()]), **common)
    with pytest.raises(RecipeError, match=r"'demo'.*'weird thing'.*labels"):
        list(reader)


def test_category_mapped_to_null_is_dropped(tmp_path: Path, common: dict, write: Callable) -> None:
    labels = {'Polyp': None}
    given = write([_annotation(category_id=0), _annotation(id=2)])
    [(record, _)] = CocoReader(tmp_path, annotations=given, labels=labels, **common)
    assert len(record.instances) == 1


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param('{"images": [', 'not valid JSON', id='truncated'),
        pytest.param('{"images": []}', "lacks the list 'annotations'", id='no-annotations'),
    ],
)
def test_broken_json(tmp_path: Path, common: dict, text: str, message: str) -> None:
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError, match=rf'a\.json.*{message}'):
        list(CocoReader(tmp_path, annotations=[{'file': 'a.json'}], **common))


def test_missing_json(tmp_path: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match=r'none\.json does not exist'):
        list(CocoReader(tmp_path, annotations=[{'file': 'none.json'}], **common))
