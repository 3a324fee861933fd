import numpy as np
import pytest

from mmdet_medglip.evaluation.functional.average_precision import ImageDetections
from mmdet_medglip.evaluation.functional.error_types import (
    BOX_KINDS,
    ErrorCounts,
    count_errors,
    judge_boxes,
)

UNIT = (0, 0, 10, 10)
HALF = (0, 0, 10, 20)  # IoU 0.5 with UNIT
THIRD = (0, 0, 10, 30)
TENTH = (0, 0, 10, 100)
LESS = (0, 0, 10, 101)
AWAY = (50, 50, 60, 60)


def image_of(detected, truth, asked=(0, 1), crowds=()):
    """Image of ``(box, label, score)`` and ``(box, label)``; ``crowds`` are positions of truth."""
    return ImageDetections(
        boxes=np.array([d[0] for d in detected], np.float32).reshape(-1, 4),
        scores=np.array([d[2] for d in detected], np.float32),
        labels=np.array([d[1] for d in detected], np.int64),
        gt_boxes=np.array([t[0] for t in truth], np.float32).reshape(-1, 4),
        gt_labels=np.array([t[1] for t in truth], np.int64),
        gt_ignore=np.isin(np.arange(len(truth)), crowds),
        asked=np.array(asked, np.int64),
    )


def kinds_of(image, threshold=0.0):
    judged = judge_boxes(image, threshold)
    return [BOX_KINDS[kind] if kind >= 0 else None for kind in judged.kinds], judged.missed.tolist()


@pytest.mark.parametrize(
    ('detected', 'truth', 'kinds', 'missed'),
    [
        pytest.param([(UNIT, 0, 1)], [(UNIT, 0)], ['correct'], [False], id='correct'),
        pytest.param([(HALF, 0, 1)], [(UNIT, 0)], ['correct'], [False], id='half-is-correct'),
        pytest.param([(THIRD, 0, 1)], [(UNIT, 0)], ['mislocated'], [False], id='mislocated'),
        pytest.param([(TENTH, 0, 1)], [(UNIT, 0)], ['mislocated'], [False], id='tenth'),
        pytest.param([(LESS, 0, 1)], [(UNIT, 0)], ['hallucinated'], [True], id='below-tenth'),
        pytest.param([(UNIT, 1, 1)], [(UNIT, 0)], ['mislabelled'], [False], id='mislabelled'),
        pytest.param([(THIRD, 1, 1)], [(UNIT, 0)], ['hallucinated'], [True], id='neither'),
        pytest.param([(AWAY, 0, 1)], [], ['hallucinated'], [], id='no-truth'),
        pytest.param([], [(UNIT, 0)], [], [True], id='no-boxes'),
        pytest.param(
            [(UNIT, 0, 0.5), (HALF, 0, 0.9)], [(UNIT, 0)], ['duplicate', 'correct'], [False],
            id='the-better-score-takes-it',
        ),
        pytest.param(
            [(UNIT, 0, 1)], [(UNIT, 0), (UNIT, 1)], ['correct'], [False, True], id='own-label-first'
        ),
        pytest.param(
            [(UNIT, 0, 1)], [(THIRD, 0), (UNIT, 1)], ['mislabelled'], [True, False],
            id='another-label-before-a-bad-place',
        ),
        pytest.param([(AWAY, 2, 1)], [(UNIT, 2)], [None], [False], id='not-asked'),
    ],
)  # fmt: skip
def test_kinds(detected, truth, kinds, missed):
    assert kinds_of(image_of(detected, truth)) == (kinds, missed)


def test_a_box_below_the_score_is_not_judged_and_finds_nothing():
    image = image_of([(UNIT, 0, 0.4)], [(UNIT, 0)])
    assert kinds_of(image, 0.5) == ([None], [True])
    assert kinds_of(image, 0.4 - 1e-6) == (['correct'], [False])


def test_a_box_in_a_crowd_of_its_label_is_not_judged():
    crowd = (0, 0, 100, 100)
    image = image_of([(UNIT, 0, 1), (UNIT, 1, 1)], [(crowd, 0)], crowds=[0])
    assert kinds_of(image) == ([None, 'hallucinated'], [False])


def test_order_of_the_boxes_says_nothing():
    detected = [(UNIT, 0, 0.9), (THIRD, 0, 0.8), (UNIT, 1, 0.7), (AWAY, 1, 0.6), (HALF, 0, 0.5)]
    truth = [(UNIT, 0), (THIRD, 1)]
    forward, backward = (image_of(d, truth) for d in (detected, detected[::-1]))
    assert kinds_of(forward)[0] == kinds_of(backward)[0][::-1]
    assert kinds_of(forward)[1] == kinds_of(backward)[1]


def test_counts():
    images = [
        image_of([(UNIT, 0, 1), (UNIT, 0, 0.9)], [(UNIT, 0)]),
        image_of([(THIRD, 0, 1)], [(UNIT, 0), (AWAY, 1), (AWAY, 2)]),
        image_of([(AWAY, 0, 1), (UNIT, 1, 0.5)], [(UNIT, 0)]),
    ]
    assert count_errors(images) == ErrorCounts(
        correct=1, duplicate=1, mislabelled=1, mislocated=1, hallucinated=1, missed=1, truth=4,
        images=3,
    )  # fmt: skip
    assert count_errors([]) == ErrorCounts(0, 0, 0, 0, 0, 0, 0, 0)
