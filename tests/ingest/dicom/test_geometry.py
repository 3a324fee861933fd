"""Images lie in the patient and are stacked."""

import numpy as np
import pytest

from mmdet_medglip.ingest.dicom.geometry import Frame, Plane, split_stacks

_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def _plane(height: float, **changes: object) -> Plane:
    fields = {'position': (10.0, 20.0, height), 'orientation': _AXIAL, 'spacing': (3.0, 2.0)}
    return Plane(**(fields | changes))


def _frame(number: int, height: float, keys: tuple = (), **changes: object) -> Frame:
    return Frame(f'2.25.{number}', 0, number, (6, 8), _plane(height, **changes), keys)


def test_points_become_pixels() -> None:
    points = np.array([[10.0, 20.0, 5.0], [14.0, 29.0, 7.0]])
    assert _plane(5.0).pixels(points).tolist() == [[0.0, 0.0, 0.0], [3.0, 2.0, 2.0]]


def test_stack_is_sorted_along_the_normal() -> None:
    (stack,) = split_stacks([_frame(0, 10.0), _frame(1, 0.0), _frame(2, 5.0)])
    assert [frame.file for frame in stack.frames] == [1, 2, 0]
    assert (stack.step, stack.is_even, stack.size) == (5.0, True, (6, 8))
    assert stack.grid.shape == (6, 8, 3)
    assert (stack.grid.affine @ (1, 2, 2, 1)).tolist() == [14.0, 23.0, 10.0, 1.0]
    assert (stack.number_of('2.25.2'), stack.number_of('2.25.9')) == (1, None)


def test_tilted_gantry() -> None:
    frames = [
        Frame(f'2.25.{i}', 0, i, (6, 8), _plane(0, position=(10.0, 20.0 + i, 5.0 * i)))
        for i in range(3)
    ]
    (stack,) = split_stacks(frames)
    assert stack.grid.affine[:3, 2].tolist() == [0.0, 1.0, 5.0]
    assert stack.place(_plane(0, position=(10.0, 21.0, 5.0))) == (1, 0, 0)


@pytest.mark.parametrize(
    ('height', 'expected'),
    [
        pytest.param(5.0, 1, id='in-a-slice'),
        pytest.param(6.0, 1, id='near-a-slice'),
        pytest.param(7.5, None, id='between-slices'),
        pytest.param(40.0, None, id='outside'),
    ],
)
def test_slice_at_a_point(height: float, expected: int | None) -> None:
    (stack,) = split_stacks([_frame(i, 5.0 * i) for i in range(3)])
    assert stack.slice_at((0.0, 0.0, height)) == expected


@pytest.mark.parametrize(
    ('plane', 'expected'),
    [
        pytest.param(_plane(5.0), (1, 0, 0), id='same'),
        pytest.param(_plane(5.0, position=(14.0, 17.0, 5.0)), (1, -1, 2), id='moved'),
        pytest.param(_plane(5.0, position=(11.0, 20.0, 5.0)), None, id='half-a-pixel'),
        pytest.param(_plane(5.0, spacing=(3.0, 3.0)), None, id='other-pixels'),
        pytest.param(_plane(5.0, orientation=(-1, 0, 0, 0, 1, 0)), None, id='mirrored'),
    ],
)
def test_place_of_another_raster(plane: Plane, expected: tuple | None) -> None:
    (stack,) = split_stacks([_frame(i, 5.0 * i) for i in range(3)])
    assert stack.place(plane) == expected


def test_gaps_are_seen() -> None:
    (stack,) = split_stacks([_frame(i, height) for i, height in enumerate((0, 5, 10, 20))])
    assert not stack.is_even
    (stack,) = split_stacks([_frame(i, height) for i, height in enumerate((0, 5.1, 10, 15))])
    assert stack.is_even


def test_single_slice_takes_its_thickness() -> None:
    (stack,) = split_stacks([_frame(0, 7.0, thickness=4.0)])
    assert stack.grid.spacing_mm == (3.0, 2.0, 4.0)


def test_keys_tell_images_at_one_position_apart() -> None:
    frames = [_frame(i, 5.0 * (i // 2), keys=('1', str(i % 2))) for i in range(4)]
    stacks = split_stacks(frames)
    assert [[frame.file for frame in stack.frames] for stack in stacks] == [[0, 2], [1, 3]]


def test_images_that_nothing_tells_apart() -> None:
    with pytest.raises(ValueError, match='several images at one position among 2'):
        split_stacks([_frame(0, 5.0, keys=('1',)), _frame(1, 5.0, keys=('1',))])


def test_directions_and_sizes_are_stacks_of_their_own() -> None:
    other = Frame('2.25.9', 0, 9, (6, 9), _plane(5.0))
    turned = _frame(8, 5.0, orientation=(0, 1, 0, 0, 0, -1))
    stacks = split_stacks([_frame(0, 0.0), other, turned, _frame(1, 5.0)])
    assert [[frame.file for frame in stack.frames] for stack in stacks] == [[0, 1], [9], [8]]
