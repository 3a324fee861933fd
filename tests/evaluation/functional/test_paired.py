import numpy as np
import pytest
from scipy.stats import ttest_rel

from mmdet_medglip.evaluation.functional import paired_difference


def mean_of(first, second):
    values = np.concatenate([first, second])
    return lambda rows: float(values[rows].mean())


@pytest.mark.parametrize('shift', [0.0, 0.05, 0.1, 0.2])
def test_p_values_and_interval_are_those_of_the_t_test(shift):
    rng = np.random.default_rng(0)
    first = rng.normal(size=300)
    second = first + rng.normal(shift, 0.8, size=300)
    found = paired_difference(range(300), mean_of(first, second), repeats=4000)
    expected = ttest_rel(second, first)
    assert found.difference == pytest.approx((second - first).mean())
    assert found.p_bootstrap == pytest.approx(expected.pvalue, abs=0.04)
    assert found.p_swap == pytest.approx(expected.pvalue, abs=0.04)
    bounds = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), abs=0.02)


def test_what_both_systems_share_does_not_widen_the_interval():
    """Hard and easy images differ much more than the systems do."""
    hardness = np.random.default_rng(0).normal(0, 10, 100)
    found = paired_difference(range(100), mean_of(hardness, hardness + 0.1))
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.p_bootstrap == pytest.approx(2 / 1001)
    assert found.p_swap == pytest.approx(1 / 1001)


def test_copies_of_a_patient_add_no_certainty():
    rng = np.random.default_rng(3)
    first = np.zeros(20)
    second = rng.normal(0.3, 1, 20)
    alone = paired_difference(range(20), mean_of(first, second), repeats=2000)
    four = mean_of(np.repeat(first, 4), np.repeat(second, 4))
    copied = paired_difference(np.repeat(range(20), 4).tolist(), four, repeats=2000)
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert copied.p_swap == pytest.approx(alone.p_swap)
    assert copied.clusters == 20
    as_images = paired_difference([None] * 80, four, repeats=2000)
    assert as_images.p_swap < alone.p_swap / 2


def test_three_patients_by_hand():
    # Of the 8 ways to swap three patients of differences 1, 1, 1, two give |mean| 1: p about 1/4.
    found = paired_difference('abc', mean_of(np.zeros(3), np.ones(3)), repeats=4000)
    assert (found.first, found.second, found.difference) == (0, 1, 1)
    assert found.p_swap == pytest.approx(1 / 4, abs=0.03)


def test_equal_systems_and_seeds():
    values = np.random.default_rng(0).normal(size=50)
    same = paired_difference(range(50), mean_of(values, values))
    assert (same.difference, same.low, same.high) == (0, 0, 0)
    assert (same.p_bootstrap, same.p_swap) == (1, 1)
    measure = mean_of(values, values[::-1])
    assert paired_difference(range(50), measure) == paired_difference(range(50), measure)


def test_undefined_values():
    one = paired_difference('aa', mean_of(np.zeros(2), np.ones(2)))
    assert (one.difference, one.clusters) == (1, 1)
    never = paired_difference('ab', lambda rows: float('nan'))
    for found in (one, never):
        assert all(np.isnan([found.low, found.high, found.p_bootstrap, found.p_swap]))
