"""Intervals over patients."""

import math

import numpy as np
import pytest

from mmdet_medglip.evaluation.functional.bootstrap import cluster_interval

VALUES = np.random.default_rng(0).normal(size=400)


def _mean(rows: np.ndarray) -> float:
    return float(VALUES[rows].mean())


def test_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    low, high = cluster_interval(range(400), _mean, repeats=2000)
    error = VALUES.std() / 20
    assert low == pytest.approx(VALUES.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(VALUES.mean() + 1.96 * error, abs=0.2 * error)


def test_copies_of_a_patient_add_no_certainty() -> None:
    """Each patient four times: as wide as one of each, twice as wide as images alone say."""
    values = np.repeat(VALUES[:100], 4)

    def mean(rows: np.ndarray) -> float:
        return float(values[rows].mean())

    low, high = cluster_interval(np.repeat(range(100), 4).tolist(), mean, repeats=1000)
    alone = cluster_interval([None] * 400, mean, repeats=1000)
    assert (high - low) / (alone[1] - alone[0]) == pytest.approx(2, rel=0.15)


def test_seed_and_undefined_values() -> None:
    assert cluster_interval(range(400), _mean) == cluster_interval(range(400), _mean)
    assert cluster_interval(range(400), _mean) != cluster_interval(range(400), _mean, seed=1)

    def sometimes(rows: np.ndarray) -> float:
        return math.nan if 0 in rows else 1.0

    assert cluster_interval(range(4), sometimes) == (1.0, 1.0)


@pytest.mark.parametrize('clusters', [[], ['a'], ['a', 'a']])
def test_too_few_patients(clusters: list) -> None:
    assert all(math.isnan(bound) for bound in cluster_interval(clusters, _mean))
