from itertools import permutations, product

import numpy as np
import pytest

from mmdet_medglip.ingest.volumes import PLANES, Grid, Turn
from mmdet_medglip.volumes import (
    corners_mm,
    enclosing_mm,
    size_mm,
    stored_extents,
    stored_slice_boxes,
    voxels,
)

BOX = [2, 1, 3, 6, 3, 5]
"""Columns 2 to 5, rows 1 and 2, slices 3 and 4."""


def oblique_grid(seed=0):
    """A grid in a direction of no axis, of three different voxel sizes."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.array([0.7, 0.9, 2.5])
    affine[:3, 3] = rng.uniform(-100, 100, 3)
    return Grid((7, 8, 9), affine)


def test_millimetres_of_a_straight_grid_by_hand():
    """Rows 3 mm apart towards the back, columns 2 mm towards the left, slices 5 mm up."""
    grid = Grid.of_axes((6, 8, 4), (3, 2, 5), 'PLS')
    assert size_mm([BOX], grid).tolist() == [[8, 6, 10]]
    # Column 2 has its centre at 4 mm, so that its edge is at 3 mm.
    assert enclosing_mm([BOX], grid).tolist() == [[3, 1.5, 12.5, 11, 7.5, 22.5]]


def test_corners_and_voxels_undo_each_other():
    grid = oblique_grid()
    corners = corners_mm([BOX], grid)
    assert corners.shape == (1, 8, 3)
    back = voxels(corners, grid)[0]
    assert np.allclose(back.min(axis=0), BOX[:3])
    assert np.allclose(back.max(axis=0), BOX[3:])
    lengths = np.linalg.norm(corners[0] - corners[0, 0], axis=1)
    assert np.allclose(lengths[[1, 2, 4]], size_mm([BOX], grid)[0][[2, 1, 0]])


def test_no_boxes():
    grid = oblique_grid()
    assert corners_mm(np.empty((0, 6)), grid).shape == (0, 8, 3)
    assert enclosing_mm([], grid).shape == (0, 6)
    assert size_mm([], grid).shape == (0, 3)


def filled(box, shape):
    """Mark the voxels of a shown box."""
    x1, y1, z1, x2, y2, z2 = box
    marked = np.zeros(shape, bool)
    marked[y1:y2, x1:x2, z1:z2] = True
    return marked


@pytest.mark.parametrize('axes', list(permutations(range(3))), ids=str)
def test_stored_extents_hold_the_same_voxels_whatever_the_turn(axes):
    """Of every turn, what is marked in the shown volume is marked in the stored one."""
    stored_shape = (7, 8, 9)
    for flips in product((False, True), repeat=3):
        turn = Turn(axes, flips)
        shown_shape = turn.apply(np.zeros(stored_shape)).shape
        stored = np.zeros(stored_shape, bool)
        turn.apply(stored)[...] = filled(BOX, shown_shape)
        ((rows, columns, slices),) = stored_extents([BOX], turn, stored_shape).astype(int)
        expected = np.zeros(stored_shape, bool)
        expected[slice(*rows), slice(*columns), slice(*slices)] = True
        np.testing.assert_array_equal(stored, expected)


@pytest.mark.parametrize('plane', PLANES)
def test_a_box_is_at_one_place_in_the_patient_along_any_axis(plane):
    """The same voxels, boxed in the stored and in the shown volume, are in one place."""
    grid = oblique_grid(3)
    turn = grid.turn_to(plane)
    extents = stored_extents([BOX], turn, grid.shape)[0]
    stored_box = [*extents[[1, 0, 2], 0], *extents[[1, 0, 2], 1]]
    assert np.allclose(
        enclosing_mm([BOX], grid.turned(turn)), enclosing_mm([stored_box], grid), atol=1e-9
    )


@pytest.mark.parametrize('flips', list(product((False, True), repeat=3)), ids=str)
@pytest.mark.parametrize('axes', [(0, 1, 2), (1, 0, 2)], ids=str)
def test_slice_boxes_on_stored_images(axes, flips):
    stored = np.zeros((6, 8, 5), int)
    stored[1:3, 2:7, 4] = 1
    turn = Turn(axes, flips)
    rows, columns, slices = np.nonzero(turn.apply(stored))
    shown = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    boxes, numbers = stored_slice_boxes([shown], [slices[0]], turn, stored.shape)
    assert (boxes.tolist(), numbers.tolist()) == ([[2, 1, 7, 3]], [4])


def test_slices_across_the_images_are_refused():
    with pytest.raises(ValueError, match="plane='acquired'"):
        stored_slice_boxes([[0, 0, 1, 1]], [0], Turn((2, 1, 0), (False,) * 3), (4, 4, 4))
