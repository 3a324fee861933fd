"""Whether one of two systems is better on the same images: paired tests over patients.

Rows of a measure say which images it looks at, and whose answers: of ``n`` images, row ``i`` is
image ``i`` as the first system answers it, row ``n + i`` as the second does. The measure is over
all of them, so it need not be a mean of images: AP50 is none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bootstrap import cluster_rows, quantile_interval, resamples

__all__ = ['PairedDifference', 'paired_difference']

Measure = Callable[[npt.NDArray[np.int64]], float]


@dataclass(frozen=True)
class PairedDifference:
    """What two systems differ by; all NaN where a value is not known.

    Attributes:
        first: Value of the first system.
        second: Value of the second.
        low: Lower bound of the interval of ``difference``.
        high: Upper bound.
        p_bootstrap: Two-sided: how often resampled patients say the opposite.
        p_swap: Two-sided: how often a difference as large comes from swapping the systems at
            random, patient by patient.
        clusters: Number of patients.
    """

    first: float
    second: float
    low: float
    high: float
    p_bootstrap: float
    p_swap: float
    clusters: int

    @property
    def difference(self) -> float:
        """``second - first``."""
        return self.second - self.first


def paired_difference(
    clusters: Sequence[Hashable],
    measure: Measure,
    *,
    confidence: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Compare two systems on the same images.

    Args:
        clusters: Patient of each of n images; None counts as a patient of its own.
        measure: Value of rows in [0, 2 n), with repetitions, see the module. Resamples of which it
            is NaN are left out.
        confidence: Probability mass of the interval, in (0, 1).
        repeats: Number of resamples of each test; the least p-value is ``1 / (repeats + 1)``.
        seed: Of the resamples.

    Returns:
        Values, percentile interval of the difference, and p-values. Bounds and p-values are NaN
        with fewer than two patients.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16, with
        patients resampled for both systems together; Noreen, Computer-Intensive Methods for
        Testing Hypotheses (1989), approximate randomisation; Phipson and Smyth (2010) for the one
        added to counts.

    Example:
        >>> values = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
        >>> found = paired_difference('abcd', lambda rows: values[rows].mean())
        >>> found.difference, found.low, found.high
        (1.0, 1.0, 1.0)
    """
    members = cluster_rows(clusters)
    count = len(clusters)
    every = np.arange(count)
    first, second = float(measure(every)), float(measure(every + count))
    if len(members) < 2:
        nan = float('nan')
        return PairedDifference(first, second, nan, nan, nan, nan, len(members))

    def differ(rows: npt.NDArray[np.int64], swapped: npt.NDArray[np.int64] | int = 0) -> float:
        return measure(rows + (count - swapped)) - measure(rows + swapped)

    rng = np.random.default_rng(seed)
    drawn = np.array([differ(rows) for rows in resamples(members, repeats, rng)])
    drawn = drawn[~np.isnan(drawn)]
    low, high = quantile_interval(drawn, confidence)
    cluster_of = np.empty(count, np.int64)
    for number, rows in enumerate(members):
        cluster_of[rows] = number
    swaps = rng.integers(2, size=(repeats, len(members)))
    swapped = np.array([differ(every, count * flips[cluster_of]) for flips in swaps])
    swapped = swapped[~np.isnan(swapped)]
    # Sums in another order may differ in the last bits.
    observed = abs(second - first) - 1e-12
    opposite = min((drawn <= 0).sum(), (drawn >= 0).sum())
    return PairedDifference(
        first,
        second,
        low,
        high,
        min(1.0, 2 * _share(opposite, len(drawn))) if len(drawn) else float('nan'),
        _share((np.abs(swapped) >= observed).sum(), len(swapped)) if len(swapped) else float('nan'),
        len(members),
    )


def _share(count: int, of: int) -> float:
    return float((count + 1) / (of + 1))
