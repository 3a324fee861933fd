"""Polygons, ellipses and run lengths of annotation files."""

import math
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import decode_rle, encode_rle
from mmdet_medglip.ingest.outlines import (
    RegionError,
    checked_rle,
    ellipse_points,
    numbers,
    polygons_to_rle,
)

_SIZE = (6, 8)


@pytest.mark.parametrize(
    'values', [[1, 2.5], (1, 2), [math.nan, math.inf]], ids=['list', 'tuple', 'not-finite']
)
def test_numbers(values: Any) -> None:
    assert numbers(values, 2, 'x') == pytest.approx(list(values), nan_ok=True)


@pytest.mark.parametrize(
    'values',
    [None, 'ab', [1], [1, '2'], [1, None], [True, 1], {'a': 1, 'b': 2}, [1, 10**400]],
    ids=['none', 'text', 'one', 'word', 'null', 'bool', 'mapping', 'no-float'],
)
def test_what_is_no_pair_of_numbers(values: Any) -> None:
    with pytest.raises(RegionError, match=r"^'x' must be 2 numbers, got "):
        numbers(values, 2, "'x'")


def test_polygons_are_united() -> None:
    squares = [[0, 0, 2, 0, 2, 2, 0, 2], [1, 1, 3, 1, 3, 3, 1, 3]]
    mask = decode_rle(polygons_to_rle(squares, _SIZE))
    assert mask.sum() == 7
    assert mask.shape == _SIZE


@pytest.mark.parametrize(
    'polygons',
    [[], [[1, 1, 1, 1, 1, 1]], [[-3, 0, -1, 0, -1, 2]]],
    ids=['none', 'point', 'outside'],
)
def test_polygons_without_a_pixel(polygons: list) -> None:
    assert polygons_to_rle(polygons, _SIZE) is None


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (300, 7), (64, 64)])
def test_runs_of_any_mask_are_accepted(seed: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < rng.random()
    rle = encode_rle(mask)
    assert checked_rle(rle, shape) == rle


def test_list_of_runs_is_compressed() -> None:
    rle = checked_rle({'size': [2, 3], 'counts': [1, 2.0, 3]}, (2, 3))
    assert decode_rle(rle).tolist() == [[False, True, False], [True, False, False]]


@pytest.mark.parametrize(
    'rle',
    [
        pytest.param(None, id='none'),
        pytest.param({'counts': [48]}, id='no-size'),
        pytest.param({'size': [8, 6], 'counts': [48]}, id='turned'),
        pytest.param({'size': [6, 8], 'counts': []}, id='no-runs'),
        pytest.param({'size': [6, 8], 'counts': [50, -2]}, id='negative'),
        pytest.param({'size': [6, 8], 'counts': [47.5, 0.5]}, id='fraction'),
        pytest.param({'size': [6, 8], 'counts': [math.inf]}, id='infinite'),
        pytest.param({'size': [6, 8], 'counts': [10**30]}, id='bomb'),
        pytest.param({'size': [6, 8], 'counts': 'P' * 50}, id='damaged'),
        pytest.param({'size': [6, 8], 'counts': 'é'}, id='no-ascii'),
        pytest.param({'size': [6, 8], 'counts': ''}, id='empty-text'),
        pytest.param({'size': [6, 8], 'counts': b'1'}, id='bytes'),
    ],
)
def test_bad_run_length(rle: Any) -> None:
    with pytest.raises(RegionError):
        checked_rle(rle, _SIZE)


def test_ellipse() -> None:
    points = np.array(ellipse_points(10, 20, 4, 2, math.pi / 2)).reshape(-1, 2)
    assert points.min(axis=0).tolist() == pytest.approx([8, 16], abs=0.01)
    assert points.max(axis=0).tolist() == pytest.approx([12, 24], abs=0.01)


def test_ellipse_that_is_not_finite() -> None:
    with pytest.raises(RegionError, match='must be finite'):
        ellipse_points(0, 0, math.inf, 1)
