import numpy as np
import pytest

from mmdet_medglip.evaluation.functional.average_precision import average_precision
from mmdet_medglip.evaluation.functional.operating_point import best_f1_threshold
from mmdet_medglip.evaluation.functional.precision_recall import RECALLS, precision_curve

from .test_error_types import AWAY, UNIT, image_of

FAR = (200, 200, 220, 220)


@pytest.mark.parametrize(
    ('detected', 'truth', 'expected'),
    [
        # F1 after 1, 2, 3 boxes: 2/3, 2/4, 4/5.
        ([(UNIT, 0, 0.75), (FAR, 0, 0.5), (AWAY, 0, 0.25)], [(UNIT, 0), (AWAY, 0)], 0.25),
        ([(UNIT, 0, 0.75), (FAR, 0, 0.5)], [(UNIT, 0)], 0.75),
        # Two boxes of one score are answered together: 2/3 at 0.5, else 2/4 at 0.25.
        ([(UNIT, 0, 0.5), (FAR, 0, 0.5), (FAR, 1, 0.25)], [(UNIT, 0)], 0.5),
        ([(FAR, 0, 0.5)], [(UNIT, 0)], float('inf')),
        ([], [(UNIT, 0)], float('inf')),
        ([], [], float('inf')),
    ],
    ids=['low', 'high', 'ties', 'nothing-right', 'no-boxes', 'empty'],
)
def test_best_f1_threshold(detected, truth, expected):
    assert best_f1_threshold([image_of(detected, truth)]) == expected


def test_no_image_gives_no_threshold():
    assert best_f1_threshold([]) == float('inf')


def test_precision_curve_by_hand():
    images = [image_of([(UNIT, 0, 0.9), (FAR, 0, 0.8), (AWAY, 0, 0.7)], [(UNIT, 0), (AWAY, 0)])]
    curve = precision_curve(images, num_labels=2)
    # Right, wrong, right: precision 1 up to recall 0.5, then 2/3.
    assert curve[RECALLS <= 0.5] == pytest.approx(1.0)
    assert curve[RECALLS > 0.5] == pytest.approx(2 / 3)


def test_the_mean_of_the_curve_is_ap50():
    rng = np.random.default_rng(0)
    images = []
    for _ in range(20):
        truth = [
            ((x, 0, x + 10, 10), int(label))
            for x, label in zip(rng.integers(0, 90, 3), rng.integers(0, 2, 3), strict=True)
        ]
        detected = [
            ((x, 0, x + 10, 10), int(label), score)
            for x, label, score in zip(
                rng.integers(0, 90, 6), rng.integers(0, 2, 6), rng.random(6), strict=True
            )
        ]
        images.append(image_of(detected, truth))
    curve = precision_curve(images, num_labels=3)
    assert 0 < curve.mean() < 1
    assert curve.mean() == pytest.approx(average_precision(images, num_labels=3).ap50)


def test_no_truth_has_no_precision():
    assert np.isnan(precision_curve([image_of([(UNIT, 0, 1.0)], [])], num_labels=2)).all()
