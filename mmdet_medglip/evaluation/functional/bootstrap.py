"""Confidence intervals of a measure over patients."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ['Interval', 'cluster_interval', 'cluster_rows', 'quantile_interval', 'resamples']


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval over patients.

    Args:
        value: NaN where there is nothing to measure.
        low: Lower bound, NaN where it is not known.
        high: Upper bound, likewise.
    """

    value: float
    low: float
    high: float


def cluster_interval(
    clusters: Sequence[Hashable],
    measure: Callable[[np.ndarray], float],
    *,
    confidence: float = 0.95,
    repeats: int = 200,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval, resampling clusters (patients) rather than images.

    Args:
        clusters: Cluster of each sample; None counts as a cluster of its own.
        measure: Value of samples given by their indices, int64 (n,), with repetitions. Resamples
            of which it is NaN are left out.
        confidence: Probability mass of the interval, in (0, 1).
        repeats: Number of resamples.
        seed: Of the resamples.

    Returns:
        Lower and upper bound; NaN with fewer than two clusters or without any value.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    Example:
        >>> values = np.array([0.0, 0.0, 1.0, 1.0])
        >>> cluster_interval('aabb', lambda rows: values[rows].mean())
        (0.0, 1.0)
    """
    members = cluster_rows(clusters)
    if len(members) < 2:
        return float('nan'), float('nan')
    rng = np.random.default_rng(seed)
    drawn = np.array([measure(rows) for rows in resamples(members, repeats, rng)])
    return quantile_interval(drawn[~np.isnan(drawn)], confidence)


def cluster_rows(clusters: Sequence[Hashable]) -> list[npt.NDArray[np.int64]]:
    """Samples of each cluster.

    Args:
        clusters: Cluster of each sample; None counts as a cluster of its own.

    Returns:
        Indices of the samples of each cluster, clusters in the order of their first sample.
    """
    rows: dict[Hashable, list[int]] = {}
    for row, cluster in enumerate(clusters):
        rows.setdefault(('alone', row) if cluster is None else cluster, []).append(row)
    return [np.array(of_one, dtype=np.int64) for of_one in rows.values()]


def resamples(
    members: Sequence[npt.NDArray[np.int64]], repeats: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    """Draw as many clusters as there are, with repetitions, again and again.

    Args:
        members: Of :func:`cluster_rows`.
        repeats: How often.
        rng: Chooses.

    Yields:
        Indices of the samples of the clusters drawn.
    """
    samples, sizes = np.concatenate(members), np.array([len(rows) for rows in members])
    starts = np.cumsum(sizes) - sizes
    for picked in rng.integers(len(members), size=(repeats, len(members))):
        lengths = sizes[picked]
        first = np.cumsum(lengths) - lengths
        within = np.arange(lengths.sum()) - np.repeat(first, lengths)
        yield samples[np.repeat(starts[picked], lengths) + within]


def quantile_interval(drawn: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Percentile interval of the values of resamples; NaN without any."""
    if not len(drawn):
        return float('nan'), float('nan')
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
