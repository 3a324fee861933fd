"""LabelMe json."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.masks import box_of_mask, decode_rle
from mmdet_medglip.ingest.readers import LabelMeReader, RecipeError

_SQUARE = [[1, 2], [4, 2], [4, 5], [1, 5]]


def _shape(points: Any = _SQUARE, **changes: Any) -> dict[str, Any]:
    return {'label': 'polyp', 'points': points, 'shape_type': 'polygon', 'flags': {}} | changes


def _png(mask: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(mask).save(file, format='PNG')
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def read(tmp_path: Path, save: Callable, common: dict) -> Callable:
    """Write an image of 6 x 8 pixels and its json; returns the images and the rejects."""

    def _read(shapes: Any, changes: dict | None = None, **options: Any) -> tuple[list, list]:
        save(tmp_path / 'a.jpg', np.zeros((6, 8), dtype=np.uint8))
        data = {'shapes': shapes, 'imageHeight': 6, 'imageWidth': 8, 'imagePath': '../x.jpg'}
        (tmp_path / 'a.json').write_text(json.dumps(data | (changes or {})))
        reader = LabelMeReader(tmp_path, **(common | options))
        found = [image for item in reader.items() for image in reader.read(item)]
        return found, reader.take_rejects()

    return _read


def test_polygon(read: Callable) -> None:
    [image], rejects = read([_shape()])
    [region] = image.regions
    assert (region.name, region.bbox) == ('polyp', (1, 2, 4, 5))
    assert decode_rle(region.mask).sum() == 9
    assert (image.name, rejects) == ('a', [])


@pytest.mark.parametrize(
    'points', [[[4, 5], [1, 2]], [[1, 2], [4, 2], [4, 5], [1, 5]]], ids=['two', 'four']
)
def test_rectangle(read: Callable, points: list) -> None:
    [image], _ = read([_shape(points, shape_type='rectangle')])
    assert (image.regions[0].bbox, image.regions[0].mask) == ((1, 2, 4, 5), None)


def test_circle(read: Callable) -> None:
    [image], _ = read([_shape([[4, 3], [4, 1]], shape_type='circle')])
    region = image.regions[0]
    assert region.bbox == (2, 1, 6, 5)
    assert box_of_mask(decode_rle(region.mask)) == (2, 1, 6, 5)
    assert 11 <= decode_rle(region.mask).sum() <= 14


def test_mask(read: Callable) -> None:
    part = np.array([[0, 1, 1], [1, 1, 0]], dtype=np.uint8) * 255
    [image], _ = read([_shape([[2, 3], [4, 4]], shape_type='mask', mask=_png(part))])
    region = image.regions[0]
    assert region.bbox == (2, 3, 5, 5)
    assert np.argwhere(decode_rle(region.mask)).tolist() == [[3, 3], [3, 4], [4, 2], [4, 3]]


def test_shapes_of_a_group_are_one_region(read: Callable) -> None:
    other = [[x + 3, y] for x, y in _SQUARE]
    shapes = [_shape(group_id=1), _shape(other, group_id=1), _shape(group_id=None)]
    [image], _ = read(shapes)
    assert [region.bbox for region in image.regions] == [(1, 2, 7, 5), (1, 2, 4, 5)]
    assert decode_rle(image.regions[0].mask).sum() == 18


def test_flags_can_leave_out(read: Callable) -> None:
    shapes = [_shape(flags={'unsure': True}), _shape(flags={'unsure': False})]
    [image], [reject] = read(shapes, skip=['unsure'])
    assert len(image.regions) == 1
    assert reject.reason == 'marked object is left out by the recipe'
    found, [reject] = read([], {'flags': {'unsure': True}}, skip=['unsure'])
    assert found == []
    assert reject.reason == 'marked image is left out by the recipe'


_BIG = np.zeros((600, 800), dtype=np.uint8)


@pytest.mark.parametrize(
    ('shape', 'detail'),
    [
        pytest.param(7, "no object with a 'label'", id='number'),
        pytest.param({'points': _SQUARE}, "no object with a 'label'", id='no-label'),
        pytest.param(_shape([]), 'list of 1 to 100000 points', id='no-points'),
        pytest.param(_shape([[1, 'x'], [2, 2], [3, 3]]), 'must be 2 numbers', id='word'),
        pytest.param(_shape(_SQUARE[:2]), 'at least 6, got 4', id='two-points'),
        pytest.param(_shape([[1, 1]], shape_type='point'), "'point' has no area", id='point'),
        pytest.param(_shape(shape_type=['a']), "['a'] has no area", id='kind-list'),
        pytest.param(_shape(shape_type='circle'), 'its centre and a point', id='circle'),
        pytest.param(
            _shape([[1, 1], [2, float('nan')]], shape_type='circle'), 'finite', id='nan-circle'
        ),
        pytest.param(
            _shape([[0, 0], [7, 5]], shape_type='mask', mask=_png(_BIG)), '600 rows', id='mask-size'
        ),
        pytest.param(
            _shape([[0, 0], [9, 5]], shape_type='mask'), 'inside the image', id='mask-outside'
        ),
        pytest.param(
            _shape([[0, 0], [1, 1]], shape_type='mask', mask='?'), 'not base64', id='not-base64'
        ),
        pytest.param(
            _shape([[0, 0], [1, 1]], shape_type='mask', mask='QUJD'), 'not a PNG', id='not-png'
        ),
    ],
)
def test_bad_shape_is_a_reject_and_the_others_stay(read: Callable, shape: Any, detail: str) -> None:
    [image], [reject] = read([shape, _shape()])
    assert len(image.regions) == 1
    assert (reject.file, reject.reason) == ('a.json', 'region cannot be read')
    assert reject.detail.startswith('shape 1: ')
    assert detail in reject.detail


@pytest.mark.parametrize(
    ('shapes', 'changes', 'message'),
    [
        pytest.param([], {'imageHeight': 9}, 'imageHeight 9, its image has 6', id='height'),
        pytest.param({}, {}, "lacks the list 'shapes'", id='shapes'),
    ],
)
def test_file_that_cannot_be_read(read: Callable, shapes: Any, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=rf'a\.json .*{message}'):
        read(shapes, changes)


def test_bad_choice(read: Callable) -> None:
    with pytest.raises(RecipeError, match="'unannotated'"):
        read([], unannotated='keep')
