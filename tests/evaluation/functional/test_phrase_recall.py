import math

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import (
    MISS,
    PhrasePair,
    first_hit,
    phrase_accuracy,
    phrase_recall,
)

TRUTH = np.array([[0, 0, 10, 10], [40, 40, 60, 60]])
WRONG = [80, 80, 90, 90]


@pytest.mark.parametrize(
    ('boxes', 'scores', 'expected'),
    [
        pytest.param([TRUTH[0]], [0.9], 1, id='first-truth'),
        pytest.param([TRUTH[1]], [0.9], 1, id='any-truth'),
        pytest.param([WRONG, TRUTH[1]], [0.9, 0.8], 2, id='second-best'),
        pytest.param([TRUTH[1], WRONG], [0.8, 0.9], 2, id='ranked-by-score-not-order'),
        pytest.param([WRONG, TRUTH[0]], [0.5, 0.5], 2, id='ties-keep-order'),
        pytest.param([[0, 0, 10, 5]], [0.9], 1, id='iou-0.5-is-a-hit'),
        pytest.param([[0, 0, 10, 4.9]], [0.9], MISS, id='iou-0.49-is-not'),
        pytest.param([WRONG], [0.9], MISS, id='no-hit'),
        pytest.param(np.zeros((0, 4)), [], MISS, id='no-predictions'),
    ],
)
def test_first_hit_is_the_rank_by_score(boxes, scores, expected):
    assert first_hit(np.array(boxes), np.array(scores), TRUTH) == expected


def test_first_hit_without_truth_is_a_miss():
    assert first_hit(TRUTH, np.array([0.9, 0.8]), np.zeros((0, 4))) == MISS


def pairs(*ranks_and_truths):
    return [PhrasePair(rank, num_truth) for rank, num_truth in ranks_and_truths]


def test_recall_counts_pairs_hit_by_the_k_best():
    found = pairs((1, 1), (2, 3), (6, 1), (MISS, 1))
    assert phrase_recall(found, topk=(1, 5, 10)) == {1: 0.25, 5: 0.5, 10: 0.75}


def test_accuracy_counts_pairs_with_one_truth_box():
    assert phrase_accuracy(pairs((1, 1), (2, 1), (1, 4))) == 0.5


@pytest.mark.parametrize('found', [[], pairs((1, 2))], ids=['no-pairs', 'no-single-box-pair'])
def test_accuracy_without_single_box_pairs_is_nan(found):
    assert math.isnan(phrase_accuracy(found))


def test_recall_without_pairs_is_nan():
    assert all(math.isnan(value) for value in phrase_recall([]).values())


@pytest.mark.parametrize('threshold', [0.0, 1.5])
def test_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(ValueError, match=r'`iou_threshold` in \(0, 1\]'):
        first_hit(TRUTH, np.array([0.9, 0.8]), TRUTH, threshold)


def test_k_below_one_is_refused():
    with pytest.raises(ValueError, match=r'>= 1, got \(0,\)'):
        phrase_recall([], topk=(0,))
