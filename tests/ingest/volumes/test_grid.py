"""Voxels lie somewhere in the patient, and slices are shown upright."""

import numpy as np
import pytest

from mmdet_medglip.ingest.volumes import Grid, same_place

_SHAPE = (2, 3, 4)


def _corner(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros with a 1 at the first voxel and a 2 at the last."""
    array = np.zeros(shape, dtype=int)
    array[0, 0, 0], array[-1, -1, -1] = 1, 2
    return array


@pytest.mark.parametrize(
    ('plane', 'shape', 'first', 'spacing'),
    [
        # LPS array: the first voxel is furthest right, in front, at the feet.
        pytest.param('axial', (3, 2, 4), (0, 0, 0), (5.0, 3.0, 7.0), id='axial'),
        pytest.param('coronal', (4, 2, 3), (3, 0, 0), (7.0, 3.0, 5.0), id='coronal'),
        pytest.param('sagittal', (4, 3, 2), (3, 0, 0), (7.0, 5.0, 3.0), id='sagittal'),
    ],
)
def test_planes_of_an_upright_volume(
    plane: str, shape: tuple, first: tuple, spacing: tuple
) -> None:
    grid = Grid.of_axes(_SHAPE, (3.0, 5.0, 7.0), 'LPS')
    turn = grid.turn_to(plane)
    shown = turn.apply(_corner(_SHAPE))
    assert shown.shape == shape
    assert tuple(np.argwhere(shown == 1)[0]) == first
    assert grid.turned(turn).spacing_mm == spacing


@pytest.mark.parametrize('axes', ['LPS', 'RAS', 'SAL', 'IPR', 'PLI'])
@pytest.mark.parametrize('plane', ['axial', 'coronal', 'sagittal'])
def test_turned_grid_puts_every_voxel_where_it_was(axes: str, plane: str) -> None:
    grid = Grid.of_axes(_SHAPE, (1.0, 2.0, 3.0), axes)
    turn = grid.turn_to(plane)
    index = turn.apply(np.arange(24).reshape(_SHAPE))
    turned = grid.turned(turn)
    for new in np.ndindex(*turned.shape):
        old = np.unravel_index(index[new], _SHAPE)
        np.testing.assert_allclose(turned.affine @ (*new, 1), grid.affine @ (*old, 1))
    assert turned.turn_to(plane).axes == (0, 1, 2)
    assert not any(turned.turn_to(plane).flips)


def test_oblique_axes_count_as_the_nearest() -> None:
    turn = np.deg2rad(30)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    assert Grid(_SHAPE, affine).turn_to('axial') == Grid(_SHAPE, np.eye(4)).turn_to('axial')


def test_single_slice_without_direction_gets_one() -> None:
    affine = np.diag([2.0, 3.0, 0.0, 1.0])
    assert Grid((4, 5, 1), affine).spacing_mm == (2.0, 3.0, 1.0)


@pytest.mark.parametrize(
    ('shape', 'affine', 'message'),
    [
        pytest.param((2, 3), np.eye(4), 'three axes', id='axes'),
        pytest.param((2, 3, 0), np.eye(4), 'three axes', id='empty'),
        pytest.param(_SHAPE, np.diag([1, 0, 1, 1]), 'no usable voxel size', id='no-size'),
        pytest.param(_SHAPE, np.ones((4, 4)), 'no usable voxel size', id='no-direction'),
        pytest.param(_SHAPE, np.diag([1, np.nan, 1, 1]), 'no usable position', id='nan'),
    ],
)
def test_unusable_headers(shape: tuple, affine: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Grid(shape, affine)


@pytest.mark.parametrize('axes', ['LP', 'LRS', 'XYZ', 'LPSS'])
def test_axes_need_one_letter_of_each_pair(axes: str) -> None:
    with pytest.raises(ValueError, match="such as 'LPS'"):
        Grid.of_axes(_SHAPE, (1, 1, 1), axes)


@pytest.mark.parametrize(
    ('shift', 'expected'),
    [pytest.param(0.05, True, id='rounding'), pytest.param(0.5, False, id='half-a-voxel')],
)
def test_same_place(shift: float, expected: bool) -> None:
    moved = np.eye(4)
    moved[0, 3] = shift
    assert same_place(Grid(_SHAPE, np.eye(4)), Grid(_SHAPE, moved)) is expected


def test_other_shapes_are_never_the_same_place() -> None:
    assert not same_place(Grid(_SHAPE, np.eye(4)), Grid((2, 3, 5), np.eye(4)))
