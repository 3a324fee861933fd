import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import pairwise_iou


@pytest.mark.parametrize(
    ('box', 'other', 'expected'),
    [
        pytest.param([0, 0, 10, 10], [0, 0, 10, 10], 1.0, id='same'),
        pytest.param([0, 0, 10, 10], [10, 0, 20, 10], 0.0, id='touching-is-disjoint'),
        pytest.param([0, 0, 10, 10], [5, 0, 15, 10], 50 / 150, id='half-open-width'),
        pytest.param([0, 0, 4, 4], [1, 1, 3, 3], 4 / 16, id='inside'),
        pytest.param([5, 5, 5, 9], [5, 5, 5, 9], 0.0, id='empty-with-itself'),
        pytest.param([9, 9, 5, 5], [0, 0, 10, 10], 0.0, id='inverted-is-empty'),
    ],
)
def test_pairwise_iou_is_the_hand_computed_share(box, other, expected):
    assert pairwise_iou(np.array([box]), np.array([other])) == pytest.approx(expected)


@pytest.mark.parametrize(('n', 'm'), [(0, 0), (0, 3), (3, 0)])
def test_pairwise_iou_of_no_boxes_is_an_empty_matrix(n, m):
    assert pairwise_iou(np.zeros((n, 4)), np.zeros((m, 4))).shape == (n, m)


def test_pairwise_iou_equals_pycocotools():
    mask = pytest.importorskip('pycocotools.mask')
    rng = np.random.default_rng(0)
    first, second = (
        np.concatenate([corner, corner + rng.uniform(1, 40, (20, 2))], axis=1)
        for corner in rng.uniform(0, 60, (2, 20, 2))
    )
    as_xywh = [np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], axis=1) for b in (first, second)]
    expected = mask.iou(as_xywh[0], as_xywh[1], [0] * 20)
    assert np.allclose(pairwise_iou(first, second), expected)


def test_pairwise_iou_refuses_other_shapes():
    with pytest.raises(ValueError, match=r'`others` of shape \[N, 4\], got \[4\]'):
        pairwise_iou(np.zeros((1, 4)), np.zeros(4))
