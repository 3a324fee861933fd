"""Fit a calibration of presence on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from mmdet_medglip.ontology.names import fold

from .presence import EVIDENCE, PhrasePresence, PresenceCalibration

__all__ = ['CRITERIA', 'PresenceExamples', 'choose_threshold', 'fit_presence']

CRITERIA = ('recall', 'f1')
"""How a threshold is chosen: the highest one that keeps a share of the present phrases, or the one
with the best F1 of saying that a phrase is there."""

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PresenceExamples:
    """Asked phrases of validation images.

    Attributes:
        phrases: The N phrases, one for each image that was asked for it.
        logits: [N] evidence that the detector gave.
        present: bool [N], whether the image has the phrase.

    Raises:
        ValueError: The lengths differ, or a logit is not finite.
    """

    phrases: Sequence[str]
    logits: _Floats
    present: _Bools

    def __post_init__(self) -> None:
        lengths = (len(self.phrases), len(self.logits), len(self.present))
        if len(set(lengths)) > 1:
            raise ValueError(
                'PresenceExamples: phrases, logits and present must have one length, got '
                f'{lengths[0]}, {lengths[1]} and {lengths[2]}.'
            )
        if not np.isfinite(self.logits).all():
            raise ValueError('PresenceExamples: logits must be finite; the detector gave NaN.')


def fit_presence(
    examples: PresenceExamples,
    *,
    evidence: str = EVIDENCE[0],
    criterion: str = CRITERIA[0],
    target: float = 0.95,
    shrinkage: float = 1.0,
    min_examples: int = 10,
    weights: str = '',
    source: str = '',
) -> PresenceCalibration:
    """Fit probabilities and thresholds, of all phrases together and of each phrase.

    All phrases together get Platt's logistic regression with his softened targets, so that classes
    that do not overlap give no infinite slope. A phrase gets the same regression drawn towards that
    of all: the maximum a posteriori under a normal prior around it with variance ``1 / shrinkage``
    of slope and offset, in units where the logits of all phrases have mean 0 and deviation 1. A
    phrase with few examples so stays near all phrases, one with many goes its own way.

    Args:
        examples: Of validation images, which the detector was not trained on.
        evidence: What the logits are, one of ``EVIDENCE``.
        criterion: One of ``CRITERIA``.
        target: Share of present phrases that ``'recall'`` keeps, in (0, 1]; ``'f1'`` has none.
        shrinkage: Precision of the prior, positive.
        min_examples: Images with a phrase, and images without, that it takes for a threshold of
            its own.
        weights: Digest of the detector's weights, kept in the result.
        source: Where the logits are from, kept in the result.

    Returns:
        The calibration.

    Raises:
        ValueError: An option outside its range, or examples of one kind only.

    Source:
        Platt, Probabilistic outputs for support vector machines (1999), equations 1 and 2; for the
        shrinkage, ridge regression around a common centre.
    """
    if not shrinkage > 0:
        raise ValueError(f'shrinkage must be positive, got {shrinkage!r}.')
    present = np.asarray(examples.present, bool)
    logits = np.asarray(examples.logits, np.float64)
    if present.all() or not present.any():
        raise ValueError(
            f'Presence cannot be calibrated on {int(present.sum())} present and '
            f'{int((~present).sum())} absent phrases, it takes both: ask for phrases that some '
            "images lack, such as all labels of the source (SamplePrompt(mode='test'))."
        )
    centre, spread = float(logits.mean()), max(float(logits.std()), 1e-6)
    x = (logits - centre) / spread
    count = present.sum()
    soft = np.where(present, (count + 1) / (count + 2), 1 / (len(present) - count + 2))
    common = _regress(x, soft, np.zeros(2), 0.0)
    threshold = choose_threshold(expit(common[0] * x + common[1]), present, criterion, target)

    def described(weight: _Floats, at: float, of: _Bools, own: bool) -> PhrasePresence:
        return PhrasePresence(
            slope=float(weight[0] / spread),
            offset=float(weight[1] - weight[0] * centre / spread),
            threshold=float(at),
            positives=int(of.sum()),
            negatives=int((~of).sum()),
            own_threshold=own,
        )

    rows: dict[str, list[int]] = {}
    for row, phrase in enumerate(examples.phrases):
        rows.setdefault(fold(phrase), []).append(row)
    phrases = {}
    for of_one in sorted(rows.values(), key=lambda found: examples.phrases[found[0]]):
        here = present[of_one]
        weight = _regress(x[of_one], here.astype(float), common, shrinkage)
        own = min(here.sum(), (~here).sum()) >= min_examples
        probability = expit(weight[0] * x[of_one] + weight[1])
        at = choose_threshold(probability, here, criterion, target) if own else threshold
        phrases[examples.phrases[of_one[0]]] = described(weight, at, here, bool(own))
    return PresenceCalibration(
        evidence=evidence,
        overall=described(common, threshold, present, True),
        phrases=phrases,
        criterion=criterion,
        target=target,
        shrinkage=shrinkage,
        weights=weights,
        source=source,
    )


def _regress(x: _Floats, target: _Floats, prior: _Floats, precision: float) -> _Floats:
    """Slope and offset of ``expit(slope * x + offset)``, drawn towards a prior."""

    def loss(weight: _Floats) -> tuple[float, _Floats]:
        value = weight[0] * x + weight[1]
        error = expit(value) - target
        away = weight - prior
        total = (np.logaddexp(0, value) - target * value).sum() + precision / 2 * away @ away
        return float(total), np.array([error @ x, error.sum()]) + precision * away

    start = np.array([max(prior[0], 1.0), prior[1]])
    return minimize(loss, start, jac=True, method='L-BFGS-B', bounds=[(0, None), (None, None)]).x


def choose_threshold(
    probability: npt.NDArray, present: npt.NDArray, criterion: str, target: float = 0.95
) -> float:
    """Probability from which on a phrase counts as there.

    It lies halfway between two neighbouring probabilities, or is 0.

    Args:
        probability: [N] of phrases.
        present: bool [N], at least one true.
        criterion: ``'recall'``: the highest threshold that keeps a share ``target`` of the present
            phrases. ``'f1'``: that with the best F1, the lowest of several.
        target: In (0, 1].

    Returns:
        A threshold in [0, 1].

    Raises:
        ValueError: An unknown criterion, a target out of range, or no present phrase.

    Example:
        >>> choose_threshold(np.array([0.9, 0.6, 0.4, 0.2]), np.array([1, 1, 0, 0]) > 0, 'recall')
        0.5
    """
    if criterion not in CRITERIA:
        raise ValueError(f'criterion must be one of {CRITERIA}, got {criterion!r}.')
    if not 0 < target <= 1:
        raise ValueError(f'target must be in (0, 1], got {target!r}.')
    probability, present = np.asarray(probability, np.float64), np.asarray(present, bool)
    if not present.any():
        raise ValueError('A threshold needs at least one image that has the phrase.')
    values, index = np.unique(probability, return_inverse=True)
    cuts = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2])
    # Kept at cut i: everything from the i-th value on.
    found = np.bincount(index, weights=present, minlength=len(values))[::-1].cumsum()[::-1]
    kept = np.bincount(index, minlength=len(values))[::-1].cumsum()[::-1]
    if criterion == 'recall':
        enough = found >= target * present.sum() - 1e-9
        return float(cuts[np.flatnonzero(enough)[-1]])
    return float(cuts[(2 * found / (kept + present.sum())).argmax()])
