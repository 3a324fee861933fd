import math

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import found_at, recall_curve

A, NEAR_A, B, FAR = [0, 0, 10, 10], [0, 0, 10, 9], [0, 20, 10, 30], [50, 50, 60, 60]
OVER_BOTH = [0, 0, 10, 30]
MISSED = -math.inf


@pytest.mark.parametrize(
    ('boxes', 'scores', 'truth', 'expected'),
    [
        pytest.param([A, B], [0.4, 0.9], [A, B], [0.4, 0.9], id='each-its-own'),
        pytest.param([NEAR_A, A], [0.9, 0.8], [A], [0.9], id='the-better-scored-finds-it'),
        pytest.param([A, NEAR_A], [0.9, 0.8], [A, B], [0.9, MISSED], id='one-box-one-truth'),
        # Both boxes suit both truth boxes; the second takes what is left.
        pytest.param([A, NEAR_A], [0.9, 0.8], [A, NEAR_A], [0.9, 0.8], id='the-rest-is-taken'),
        pytest.param([OVER_BOTH], [0.9], [A, B], [MISSED, MISSED], id='too-large'),
        pytest.param([FAR], [0.9], [A], [MISSED], id='elsewhere'),
        pytest.param([], [], [A], [MISSED], id='no-box'),
        pytest.param([A], [0.9], [], [], id='no-truth'),
    ],
)
def test_found_at(boxes, scores, truth, expected):
    boxes, truth = (np.array(value, float).reshape(-1, 4) for value in (boxes, truth))
    assert found_at(boxes, np.array(scores), truth).tolist() == expected


def test_iou_threshold_is_reached_exactly():
    half = np.array([[0, 0, 10, 5]])
    assert found_at(half, np.array([0.7]), np.array([A]), 0.5).tolist() == [0.7]
    assert found_at(half, np.array([0.7]), np.array([A]), 0.51).tolist() == [MISSED]


def test_curve_by_hand():
    # Four truth boxes, of which one is missed; two negatives with three boxes in all.
    curve = recall_curve([0.9, 0.5, 0.5, MISSED], [0.95, 0.5, 0.1], num_negatives=2)
    assert curve.threshold.tolist() == [0.9, 0.5]
    assert curve.recall.tolist() == [0.25, 0.75]
    assert curve.false_boxes.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ('recall', 'expected'),
    [
        pytest.param(0.25, 0.5, id='exactly'),
        pytest.param(0.3, 1.0, id='the-next-point'),
        pytest.param(0.75, 1.0, id='last'),
        pytest.param(0.8, math.nan, id='out-of-reach'),
    ],
)
def test_false_boxes_at_a_recall(recall, expected):
    curve = recall_curve([0.9, 0.5, 0.5, MISSED], [0.95, 0.5, 0.1], num_negatives=2)
    assert curve.at_recall(recall) == pytest.approx(expected, nan_ok=True)


def test_fewer_boxes_alone_do_not_look_better():
    # A detector that keeps every second box has half the false boxes and finds half as much; at
    # equal recall it is no better.
    generator = np.random.default_rng(0)
    found, false = generator.random(1000), generator.random(1000)
    curve = recall_curve(found, false, 100)
    thinned = recall_curve(np.where(np.arange(1000) % 2, found, MISSED), false[::2], 100)
    assert thinned.false_boxes[-1] < 0.6 * curve.false_boxes[-1]
    assert thinned.at_recall(0.4) > 0.9 * curve.at_recall(0.4)


def test_boxes_that_leave_negatives_only_show_at_every_recall():
    found, false = [0.9, 0.6, 0.4], [0.8, 0.7, 0.5, 0.45]
    all_of_them, half = recall_curve(found, false, 4), recall_curve(found, false[::2], 4)
    assert half.at_recall(2 / 3) == all_of_them.at_recall(2 / 3) / 2 == 0.25
    assert half.at_recall(1.0) == all_of_them.at_recall(1.0) / 2 == 0.5


@pytest.mark.parametrize(
    ('found', 'negatives'),
    [
        pytest.param([], 3, id='no-truth'),
        pytest.param([0.5], 0, id='no-negative'),
        pytest.param([MISSED], 3, id='nothing-found'),
    ],
)
def test_without_anything_to_count_the_curve_is_empty(found, negatives):
    curve = recall_curve(found, [], negatives)
    assert len(curve.threshold) == len(curve.recall) == len(curve.false_boxes) == 0
    assert math.isnan(curve.at_recall(0.5))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match='1 false boxes, but num_negatives=0'):
        recall_curve([0.5], [0.5], 0)
    with pytest.raises(ValueError, match='one score per box, got 1 and 2'):
        found_at(np.array([A]), np.array([0.1, 0.2]), np.array([A]))
    with pytest.raises(ValueError, match=r'`iou_threshold` in \(0, 1\], got 0'):
        found_at(np.array([A]), np.array([0.1]), np.array([A]), 0)
