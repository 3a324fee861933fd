import math

import pytest
import torch
from mmengine.structures import InstanceData

from mmdet_medglip.testing.glip_pair import apart


def found(boxes: list, scores: list, labels: list) -> InstanceData:
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        scores=torch.tensor(scores, dtype=torch.float32),
        labels=torch.tensor(labels, dtype=torch.long),
    )


ONE = found([[0, 0, 4, 4], [8, 8, 9, 9], [1, 1, 2, 2]], [0.9, 0.5, 0.1], [0, 1, 0])


def test_differences_by_hand():
    # Swapped in order; the last box of each, 0.1, is at the cut and is not compared.
    other = found([[8, 8, 9, 9.5], [0, 0, 4, 4], [5, 5, 6, 6]], [0.5, 0.875, 0.1], [1, 0, 0])
    difference = apart(ONE, other)
    assert difference.score == pytest.approx(0.025)
    assert difference.box_px == pytest.approx(0.5)
    assert difference.compared == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    'other',
    [
        pytest.param(found([[0, 0, 4, 4], [8, 8, 9, 9]], [0.9, 0.5], [0, 0]), id='lost-label'),
        pytest.param(found([], [], []), id='nothing-found'),
    ],
)
def test_a_box_without_a_twin_is_infinitely_far(other):
    assert math.isinf(apart(ONE, other).box_px)
    assert math.isinf(apart(other, ONE).score)


def test_nothing_on_both_sides_is_no_difference():
    assert apart(found([], [], []), found([], [], []))[:2] == (0.0, 0.0)
