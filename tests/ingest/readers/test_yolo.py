"""YOLO text files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import RecipeError, YoloReader


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable[..., YoloReader]:
    """Write an image of 6 x 8 pixels and its text; returns the reader."""

    def _read(text: str | None, **options: Any) -> YoloReader:
        save(tmp_path / 'train' / 'images' / 'a.jpg', np.zeros((6, 8), dtype=np.uint8))
        if text is not None:
            (tmp_path / 'train' / 'labels').mkdir(exist_ok=True)
            (tmp_path / 'train' / 'labels' / 'a.txt').write_text(text)
        return YoloReader(tmp_path, **({'names': ['polyp', 'ulcer']} | common | options))

    return _read


def test_box_and_polygon_in_one_file(read: Callable) -> None:
    text = '0 0.5 0.5 0.25 0.5\n\n1 0.125 0.5 0.5 0.5 0.5 1.0 0.125 1.0\n'
    [(record, _)] = read(text)
    box, polygon = record.instances
    assert (box.label, box.bbox, box.mask) == ('polyp', (3, 1.5, 5, 4.5), None)
    assert (polygon.label, polygon.bbox) == ('ulcer', (1, 3, 4, 6))
    assert decode_rle(polygon.mask).sum() == 9
    assert record.image_id == 'demo/train/a'


def test_masks_can_be_left_out(read: Callable) -> None:
    [(record, _)] = read('0 0 0 1 0 1 1 0 1', keep_masks=False)
    assert record.instances[0].mask is None


@pytest.mark.parametrize('names', ["['polyp', 'ulcer']", '{0: polyp, 1: ulcer}'])
def test_names_from_yaml(tmp_path: Path, read: Callable, names: str) -> None:
    (tmp_path / 'data.yaml').write_text(f'names: {names}\n')
    [(record, _)] = read('1 0.5 0.5 0.5 0.5', names='data.yaml')
    assert record.instances[0].label == 'ulcer'


@pytest.mark.parametrize(
    ('text', 'options', 'records', 'reasons'),
    [
        pytest.param('', {}, 1, [], id='empty-file-is-negative'),
        pytest.param(None, {}, 0, ['annotation file is missing'], id='no-file-is-skipped'),
        pytest.param(None, {'unannotated': 'negative'}, 1, [], id='no-file-as-negative'),
    ],
)
def test_no_region(
    read: Callable, text: str | None, options: dict, records: int, reasons: list[str]
) -> None:
    reader = read(text, **options)
    assert [record.instances for record, _ in reader] == [()] * records
    assert [item.reason for item in reader.skipped] == reasons


@pytest.mark.parametrize(
    ('text', 'detail'),
    [
        pytest.param('2 0.5 0.5 0.5 0.5', 'class 2 is not among the 2 names', id='class'),
        pytest.param('0 0.5 0.5 0.5', 'expected 4 numbers', id='three-numbers'),
        pytest.param('0 1 2 3 4 5 6 7', 'expected 4 numbers', id='odd-polygon'),
        pytest.param('0 0.5 0.5 x 0.5', 'could not convert', id='word'),
        pytest.param('0 0.5 0.5 nan 0.5', 'must be finite', id='nan'),
        pytest.param('0 0.9 0.5 0.9 0.5', 'must lie inside', id='outside'),
        pytest.param('0 0.5 0.5 0 0.5', 'x1 < x2', id='zero-width'),
    ],
)
def test_bad_line_names_file_and_fault(read: Callable, text: str, detail: str) -> None:
    reader = read(f'0 0.5 0.5 0.5 0.5\n{text}\n')
    assert list(reader) == []
    assert detail in reader.skipped[0].detail


def test_line_number_is_named(read: Callable) -> None:
    reader = read('0 0.5 0.5 0.5 0.5\n7 0 0 1 1\n')
    list(reader)
    assert 'a.txt, line 2: class 7' in reader.skipped[0].detail


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        pytest.param({'names': ['blob']}, RecipeError, "'blob'", id='unknown-name'),
        pytest.param({'names': 'x.yaml'}, FileNotFoundError, r'x\.yaml do not exist', id='no-yaml'),
        pytest.param({'names': '../x.yaml'}, ValueError, 'relative', id='yaml-outside'),
        pytest.param({'unannotated': 'keep'}, RecipeError, "'unannotated'", id='choice'),
    ],
)
def test_bad_options(read: Callable, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        read('', **options)
