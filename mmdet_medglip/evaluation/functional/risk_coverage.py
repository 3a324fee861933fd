"""Risk and coverage: how often is an answer wrong, if unsure ones are not given?

Definition (El-Yaniv and Wiener 2010; Geifman and El-Yaniv, Selective Classification for Deep Neural
Networks, 2017): at a threshold, *coverage* is the share of candidates that are answered, *risk* the
share of the answers that are wrong. Their curve has the area AURC, the mean risk over coverage
(Geifman, Uziel and El-Yaniv 2019); smaller is better.

With several levels, as with back-off from label to class to region, a candidate is answered at the
finest level whose score reaches the threshold, and is wrong if it is wrong at that level. With one
level it is left out or answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ['RiskCoverage', 'risk_coverage']


@dataclass(frozen=True)
class RiskCoverage:
    """A curve, from the highest threshold to the lowest.

    Args:
        thresholds: [T] falling.
        coverage: [T] in [0, 1], rising; NaN without candidates.
        risk: [T] in [0, 1]; NaN where nothing is answered.
        answered: [T, L] share of the candidates answered at each level, fine to coarse.
    """

    thresholds: npt.NDArray[np.float64]
    coverage: npt.NDArray[np.float64]
    risk: npt.NDArray[np.float64]
    answered: npt.NDArray[np.float64]

    @property
    def area(self) -> float:
        """Mean risk over the coverage that is reached (AURC); NaN if nothing is ever answered.

        The risk between two coverages is that of the larger one.
        """
        steps = np.diff(self.coverage, prepend=0.0)
        taken = steps > 0
        if not taken.any():
            return float('nan')
        return float((steps * np.nan_to_num(self.risk))[taken].sum() / self.coverage[-1])


def risk_coverage(
    scores: npt.ArrayLike, correct: npt.ArrayLike, thresholds: Sequence[float] | None = None
) -> RiskCoverage:
    """Risk and coverage over thresholds.

    Args:
        scores: [N] or [N, L] score of each candidate at each of L levels, fine to coarse, such as
            those of a box as left kidney, kidney and abdomen. ``-inf`` where a level has no answer.
        correct: bool, of the same shape: whether the candidate is right at that level.
        thresholds: Least scores of an answer, one or more; by default all distinct scores.

    Returns:
        The curve.

    Raises:
        ValueError: Shapes differ, a score is NaN, or there is no threshold.

    Example:
        >>> curve = risk_coverage([0.9, 0.8, 0.6, 0.3], [True, True, False, True])
        >>> curve.coverage.tolist(), curve.risk.round(2).tolist()
        ([0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.33, 0.25])
    """
    score = np.asarray(scores, np.float64)
    right = np.asarray(correct, bool)
    if score.shape != right.shape or score.ndim not in (1, 2):
        raise ValueError(
            f'Expected `scores` and `correct` of one shape [N] or [N, L], got {list(score.shape)} '
            f'and {list(right.shape)}.'
        )
    if np.isnan(score).any():
        raise ValueError('`scores` must not be NaN; use -inf where a level has no answer.')
    if score.ndim == 1:
        score, right = score[:, None], right[:, None]
    chosen = score[score > -np.inf] if thresholds is None else np.asarray(thresholds, np.float64)
    steps = np.unique(chosen)[::-1]
    if thresholds is not None and not len(steps):
        raise ValueError('Expected at least one threshold.')
    # A candidate is answered at the first level, or at none before: its best score up to a level
    # reaches the threshold, that up to the level before does not.
    best = np.maximum.accumulate(score, axis=1)
    answered, hits = np.zeros((len(steps), score.shape[1])), np.zeros(len(steps))
    for level in range(score.shape[1]):
        for values, sign in ((best[:, level], 1), (best[:, level - 1], -1)):
            if sign > 0 or level:
                answered[:, level] += sign * _at_least(values, np.ones(len(score)), steps)
                hits += sign * _at_least(values, right[:, level].astype(float), steps)
    given = answered.sum(axis=1)
    with np.errstate(invalid='ignore', divide='ignore'):
        return RiskCoverage(steps, given / len(score), 1 - hits / given, answered / len(score))


def _at_least(
    values: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    thresholds: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Sum of the weights of the values that reach each threshold."""
    order = np.argsort(values)
    below = np.concatenate([[0.0], weights[order].cumsum()])
    return below[-1] - below[np.searchsorted(values[order], thresholds)]
