"""Boxes and run lengths from masks."""

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import (
    box_of_mask,
    decode_rle,
    encode_rle,
    fill_outline,
    instances_from_mask,
    mask_from_polygons,
)


@pytest.fixture
def two_blobs() -> np.ndarray:
    """A 2x3 blob at rows 1-2, columns 0-2 and a 1x1 blob at row 4, column 5."""
    mask = np.zeros((6, 8), dtype=bool)
    mask[1:3, 0:3] = True
    mask[4, 5] = True
    return mask


def test_box_is_half_open(two_blobs: np.ndarray) -> None:
    assert box_of_mask(two_blobs) == (0.0, 1.0, 6.0, 5.0)


def test_empty_mask_has_no_box_and_no_region() -> None:
    empty = np.zeros((6, 8), dtype=bool)
    assert box_of_mask(empty) is None
    found = instances_from_mask(empty, 'polyp', policy='components')
    assert (found.instances, found.dropped) == ((), 0)


@pytest.mark.parametrize(
    ('policy', 'min_area', 'boxes', 'dropped'),
    [
        pytest.param('single', 1, [(0, 1, 6, 5)], 0, id='single-is-one-box-around-all'),
        pytest.param('components', 1, [(0, 1, 3, 3), (5, 4, 6, 5)], 0, id='one-box-each'),
        pytest.param('components', 2, [(0, 1, 3, 3)], 1, id='small-component-dropped'),
        pytest.param('single', 2, [(0, 1, 3, 3)], 1, id='single-without-the-small-one'),
        pytest.param('components', 7, [], 2, id='all-too-small'),
        pytest.param('single', 7, [], 2, id='single-all-too-small'),
    ],
)
def test_policies(
    two_blobs: np.ndarray, policy: str, min_area: int, boxes: list, dropped: int
) -> None:
    found = instances_from_mask(two_blobs, 'polyp', policy=policy, min_area=min_area)
    assert [instance.bbox for instance in found.instances] == boxes
    assert found.dropped == dropped


def test_masks_of_components_are_disjoint_and_whole(two_blobs: np.ndarray) -> None:
    found = instances_from_mask(two_blobs, 'polyp', policy='components')
    masks = [decode_rle(instance.mask) for instance in found.instances]
    assert [int(mask.sum()) for mask in masks] == [6, 1]
    np.testing.assert_array_equal(masks[0] | masks[1], two_blobs)


def test_diagonal_neighbours_are_one_component() -> None:
    found = instances_from_mask(np.eye(4), 'polyp', policy='components')
    assert [instance.bbox for instance in found.instances] == [(0, 0, 4, 4)]


def test_fields_are_passed_on_and_mask_is_optional(two_blobs: np.ndarray) -> None:
    found = instances_from_mask(
        two_blobs, 'liver', policy='single', keep_mask=False, volume_instance_id='liver'
    )
    assert found.instances[0].mask is None
    assert found.instances[0].volume_instance_id == 'liver'


@pytest.mark.parametrize(
    ('shape', 'policy', 'message'),
    [
        pytest.param((2, 3, 4), 'single', r'must be 2-D.*\(2, 3, 4\)', id='volume'),
        pytest.param((2, 3), 'boxes', "'single' or 'components', got 'boxes'", id='policy'),
    ],
)
def test_bad_input(shape: tuple[int, ...], policy: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        instances_from_mask(np.ones(shape), 'liver', policy=policy)


def test_rle_round_trip(two_blobs: np.ndarray) -> None:
    rle = encode_rle(two_blobs)
    assert rle['size'] == [6, 8]
    assert isinstance(rle['counts'], str)
    np.testing.assert_array_equal(decode_rle(rle), two_blobs)


@pytest.mark.parametrize('how', ['holes', 'convex'])
def test_closed_outline_is_filled(how: str) -> None:
    outline = np.zeros((7, 7), dtype=bool)
    outline[1:6, 1:6] = True
    outline[2:5, 2:5] = False
    assert fill_outline(outline, how).sum() == 25


def test_gap_needs_the_convex_hull() -> None:
    outline = np.zeros((7, 7), dtype=bool)
    outline[1:6, 1:6] = True
    outline[2:5, 2:6] = False
    assert fill_outline(outline, 'holes').sum() == outline.sum()
    assert fill_outline(outline, 'convex').sum() == 25


def test_empty_outline_stays_empty() -> None:
    assert not fill_outline(np.zeros((3, 3), dtype=bool), 'convex').any()


def test_unknown_fill() -> None:
    with pytest.raises(ValueError, match="'holes' or 'convex', got 'flood'"):
        fill_outline(np.zeros((3, 3), dtype=bool), 'flood')


def test_polygon_square() -> None:
    mask = mask_from_polygons([[1, 1, 4, 1, 4, 3, 1, 3]], 5, 6)
    assert mask.sum() == 6
    assert box_of_mask(mask) == (1, 1, 4, 3)


@pytest.mark.parametrize('polygon', [[1, 1, 2, 2], [1, 1, 2, 2, 3, 3, 4]], ids=['two', 'odd'])
def test_bad_polygon(polygon: list[float]) -> None:
    with pytest.raises(ValueError, match='even number of values'):
        mask_from_polygons([polygon], 5, 6)
