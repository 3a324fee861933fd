import numpy as np
import pytest

from mmdet_medglip.volumes import SliceBoxes

BOX = [0, 0, 4, 4]


def test_lists_become_arrays_and_parts_can_be_taken():
    found = SliceBoxes([BOX, [1, 1, 2, 3]], [3, 4], [0.5, 0.25], [0, 2])
    assert (found.boxes.dtype, found.slices.dtype, found.labels.dtype) == (
        np.float64,
        np.int64,
        np.int64,
    )
    part = found.take(found.labels == 2)
    assert (len(part), part.slices.tolist(), part.scores.tolist()) == (1, [4], [0.25])


def test_no_boxes_are_a_value():
    found = SliceBoxes([], [], [], [])
    assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        pytest.param(([[0, 0, 1]], [0], [1], [0]), r'shape \[N, 4\], got \[1, 3\]', id='shape'),
        pytest.param(([BOX], [0, 1], [1], [0]), 'boxes has 1 entries but slices 2', id='length'),
        pytest.param(([BOX], [0.5], [1], [0]), 'slices must be whole numbers', id='half-slice'),
        pytest.param(([BOX], [0], [np.nan], [0]), 'must be finite', id='nan'),
        pytest.param(([BOX, [4, 0, 4, 4]], [0, 0], [1, 1], [0, 0]), 'box 1 is empty', id='empty'),
        pytest.param(([BOX], [0], [1], [-1]), 'labels must be at least 0, got -1', id='label'),
    ],
)
def test_bad_values_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        SliceBoxes(*values)
