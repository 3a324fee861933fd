import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import enclosing_box, pairwise_iou, union_iou

A = [0, 0, 10, 10]


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


@pytest.mark.parametrize(
    ('boxes', 'others', 'expected'),
    [
        pytest.param([], [], 0.0, id='nothing'),
        pytest.param([A], [], 0.0, id='one-side'),
        pytest.param([A, A, [2, 2, 5, 5]], [A], 1.0, id='overlap-counts-once'),
        # Two halves against the double: 100 of 200.
        pytest.param([[0, 0, 10, 5], [0, 5, 10, 10]], [[0, 0, 10, 20]], 0.5, id='halves'),
        # A cross of 10 x 2 and 2 x 10 (36) within A (100).
        pytest.param([[0, 4, 10, 6], [4, 0, 6, 10]], [A], 0.36, id='cross'),
        pytest.param([[5, 5, 5, 9]], [[5, 5, 5, 9]], 0.0, id='empty-boxes'),
    ],
)
def test_union_iou_is_that_of_the_regions(boxes, others, expected):
    boxes, others = (np.array(b, float).reshape(-1, 4) for b in (boxes, others))
    assert union_iou(boxes, others) == pytest.approx(expected)
    assert union_iou(others, boxes) == pytest.approx(expected)


def test_union_iou_is_that_of_painted_masks():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 40, (8, 2))
    boxes = np.concatenate([corner, corner + rng.integers(1, 20, (8, 2))], 1)
    masks = np.zeros((2, 64, 64), bool)
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        masks[number % 2, y1:y2, x1:x2] = True
    expected = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert union_iou(boxes[::2], boxes[1::2]) == pytest.approx(expected)


def test_enclosing_box():
    assert enclosing_box(np.array([A, [5, 20, 8, 30]])).tolist() == [[0, 0, 10, 30]]
    assert enclosing_box(np.empty((0, 4))).shape == (0, 4)
