import numpy as np
import pytest

from mmdet_medglip.structures.box_overlap import pairwise_iou, pairwise_share

A = [0, 0, 10, 10]


@pytest.mark.parametrize(
    ('box', 'other', 'expected'),
    [
        pytest.param(A, [2, 3, 4, 5], 1.0, id='inside'),
        pytest.param(A, [5, 0, 25, 10], 0.5, id='half-of-the-smaller'),
        pytest.param(A, [10, 0, 20, 10], 0.0, id='touching'),
        pytest.param(A, [3, 3, 3, 9], 0.0, id='empty'),
    ],
)
def test_share_of_the_smaller_box(box, other, expected):
    assert pairwise_share([box], [other]) == pytest.approx(expected)
    assert pairwise_share([other], [box]) == pytest.approx(expected)


def test_share_is_at_least_the_iou():
    corners = np.random.default_rng(0).uniform(0, 50, (2, 30, 2))
    boxes = np.concatenate([corners[0], corners[0] + corners[1]], axis=1)
    assert (pairwise_share(boxes, boxes) >= pairwise_iou(boxes, boxes)).all()
    assert pairwise_share(boxes[:0], boxes).shape == (0, 30)
    with pytest.raises(ValueError, match=r'`boxes` of shape \[N, 4\]'):
        pairwise_share(boxes[:, :3], boxes)
