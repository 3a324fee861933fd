import math

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import (
    auroc,
    brier_score,
    expected_calibration_error,
    no_target_accuracy,
)


@pytest.mark.parametrize(
    ('scores', 'present', 'expected'),
    [
        # Pairs (positive, negative): 0.9 beats both, 0.4 beats 0.1 only: 3 of 4.
        pytest.param([0.9, 0.4, 0.5, 0.1], [1, 1, 0, 0], 3 / 4, id='by-hand'),
        pytest.param([0.9, 0.8, 0.2], [1, 1, 0], 1.0, id='perfect'),
        pytest.param([0.1, 0.9], [1, 0], 0.0, id='reversed'),
        pytest.param([0.5, 0.5, 0.5], [1, 0, 0], 0.5, id='ties-count-half'),
        pytest.param([0.5, 0.6], [1, 1], math.nan, id='no-negative'),
        pytest.param([], [], math.nan, id='no-pair'),
    ],
)
def test_auroc(scores, present, expected):
    assert auroc(scores, np.array(present, bool)) == pytest.approx(expected, nan_ok=True)


def test_auroc_is_that_of_ranks_alone():
    generator = np.random.default_rng(0)
    scores, present = generator.random(200).round(1), generator.random(200) < 0.3
    value = auroc(scores, present)
    assert auroc(np.exp(5 * scores), present) == pytest.approx(value)
    assert auroc(-scores, present) == pytest.approx(1 - value)
    above = scores[present][:, None] - scores[~present]
    assert value == pytest.approx((above > 0).mean() + (above == 0).mean() / 2)


@pytest.mark.parametrize(
    ('probabilities', 'present', 'bins', 'expected'),
    [
        # [0.9, 0.95]: mean 0.925, half are there. [0.1]: 0.1, none. (2 * 0.425 + 0.1) / 3.
        pytest.param([0.9, 0.95, 0.1], [1, 0, 0], 10, 0.95 / 3, id='by-hand'),
        pytest.param([1.0, 0.0], [1, 0], 10, 0.0, id='certain-and-right'),
        pytest.param([1.0, 0.0], [0, 1], 10, 1.0, id='certain-and-wrong'),
        # In one bin 0.2 and 0.8 balance; in two they do not.
        pytest.param([0.2, 0.8], [1, 0], 1, 0.0, id='one-bin'),
        pytest.param([0.2, 0.8], [1, 0], 2, 0.8, id='two-bins'),
        # 0.3 is the lower border of its bin, so it is apart from 0.29.
        pytest.param([0.3, 0.29], [1, 0], 10, (0.7 + 0.29) / 2, id='border'),
        pytest.param([], [], 10, math.nan, id='no-pair'),
    ],
)
def test_expected_calibration_error(probabilities, present, bins, expected):
    value = expected_calibration_error(probabilities, np.array(present, bool), bins)
    assert value == pytest.approx(expected, nan_ok=True)


def test_brier_score():
    assert brier_score([0.8, 0.3], [True, False]) == pytest.approx((0.2**2 + 0.3**2) / 2)
    assert math.isnan(brier_score([], []))


def test_no_target_accuracy():
    assert no_target_accuracy([0, 3, 0, 0, 1], [False, False, False, True, True]) == 2 / 3
    assert math.isnan(no_target_accuracy([1], [True]))


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        pytest.param(lambda: auroc([0.1], [True, False]), r'got \[1\], \[2\]', id='shapes'),
        pytest.param(lambda: brier_score([1.2], [True]), r'probabilities in \[0, 1\]', id='range'),
        pytest.param(
            lambda: expected_calibration_error([0.5], [True], 0), '`bins` of at least 1', id='bins'
        ),
        pytest.param(lambda: no_target_accuracy([1, 2], [True]), 'per image', id='images'),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
