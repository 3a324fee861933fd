"""Presence: a probability for each asked phrase that it is on the image at all, and an answer.

The evidence of a phrase is a logit, from a presence head or from the best box of the phrase. A
calibration, fitted on validation images, turns it into a probability and knows from which
probability on a phrase is said to be there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from mmdet_medglip.ontology.names import fold

__all__ = [
    'EVIDENCE',
    'PhrasePresence',
    'PresenceAnswer',
    'PresenceCalibration',
    'best_scores',
    'box_logits',
    'judge_presence',
]

EVIDENCE = ('presence_head', 'box_score')
"""Where the logit of a phrase comes from: the model's presence head, or the phrase's best box."""

_LEAST_BOX_SCORE = 1e-3
"""Score of a phrase without a box; box scores are kept this far from 0 and 1."""


@dataclass(frozen=True)
class PhrasePresence:
    """How the evidence of a phrase becomes a probability ``expit(slope * logit + offset)``.

    Attributes:
        slope: At least 0, so that more evidence never says less.
        offset: A logit.
        threshold: Probability in [0, 1] from which on the phrase counts as there.
        positives: Validation images that have the phrase.
        negatives: Validation images that were asked for it and do not have it.
        own_threshold: False where too few images had it, and the threshold is that of all phrases.

    Raises:
        ValueError: A number outside its range.
    """

    slope: float
    offset: float
    threshold: float
    positives: int = 0
    negatives: int = 0
    own_threshold: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and self.slope >= 0):
            raise ValueError(f'slope must be a number of at least 0, got {self.slope!r}')
        if not math.isfinite(self.offset):
            raise ValueError(f'offset must be a finite number, got {self.offset!r}')
        if not 0 <= self.threshold <= 1:
            raise ValueError(f'threshold must be in [0, 1], got {self.threshold!r}')
        if self.positives < 0 or self.negatives < 0:
            raise ValueError(
                'positives and negatives must be at least 0, got '
                f'{self.positives!r} and {self.negatives!r}'
            )


@dataclass(frozen=True)
class PresenceCalibration:
    """Probabilities and thresholds of phrases, as fitted on validation images.

    Attributes:
        evidence: What the logits are, one of ``EVIDENCE``.
        overall: For phrases that no validation image was asked for.
        phrases: For each other phrase; case and separators make no difference.
        criterion: How the thresholds were chosen, one of ``CRITERIA``.
        target: What the criterion demands, such as the recall of present phrases.
        shrinkage: How strongly a phrase is drawn towards ``overall``.
        weights: Digest of the weights that gave the logits; empty if not known.
        source: Checkpoint and config that gave them, to be read by people.

    Raises:
        ValueError: Unknown evidence, or two phrases that are the same name.
    """

    evidence: str
    overall: PhrasePresence
    phrases: Mapping[str, PhrasePresence] = field(default_factory=dict)
    criterion: str = ''
    target: float = 0.0
    shrinkage: float = 0.0
    weights: str = ''
    source: str = ''

    def __post_init__(self) -> None:
        if self.evidence not in EVIDENCE:
            raise ValueError(f'evidence must be one of {EVIDENCE}, got {self.evidence!r}')
        if len(self._by_name) < len(self.phrases):
            raise ValueError('phrases has two spellings of one phrase')

    @cached_property
    def _by_name(self) -> dict[str, PhrasePresence]:
        return {fold(phrase): value for phrase, value in self.phrases.items()}

    def of(self, phrase: str) -> PhrasePresence:
        """Calibration of a phrase; the overall one where it is not known."""
        return self._by_name.get(fold(phrase), self.overall)


@dataclass(frozen=True)
class PresenceAnswer:
    """What is said about each phrase of a prompt, in prompt order.

    Attributes:
        probability: float64 [P] in [0, 1].
        threshold: float64 [P] in [0, 1].
    """

    probability: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which phrases are said to be there, bool [P]; none means that nothing was found."""
        return self.probability >= self.threshold


def judge_presence(
    logits: npt.ArrayLike, phrases: Sequence[str], calibration: PresenceCalibration
) -> PresenceAnswer:
    """Turn evidence into probabilities, and these into an answer.

    Args:
        logits: [P] evidence of each phrase.
        phrases: The P phrases.
        calibration: For the evidence at hand.

    Returns:
        An answer for each phrase.

    Raises:
        ValueError: Another number of logits than of phrases.

    Example:
        >>> calibration = PresenceCalibration(
        ...     'box_score', PhrasePresence(slope=1, offset=0, threshold=0.5),
        ...     {'kidney stone': PhrasePresence(slope=2, offset=1, threshold=0.8)})
        >>> answer = judge_presence([0.0, 0.0], ['liver', 'Kidney_stone'], calibration)
        >>> answer.probability.round(2).tolist(), answer.present.tolist()
        ([0.5, 0.73], [True, False])
    """
    values = np.asarray(logits, np.float64)
    if values.shape != (len(phrases),):
        raise ValueError(
            f'Expected one presence logit for each of {len(phrases)} phrases, got an array of '
            f'shape {values.shape}.'
        )
    own = [calibration.of(phrase) for phrase in phrases]
    slope, offset, threshold = (
        np.array([getattr(one, name) for one in own], np.float64)
        for name in ('slope', 'offset', 'threshold')
    )
    return PresenceAnswer(expit(slope * values + offset), threshold)


def best_scores(
    scores: npt.ArrayLike, labels: npt.ArrayLike, num_phrases: int
) -> npt.NDArray[np.float64]:
    """Best box score of each phrase, [P], 0 without a box; arguments of :func:`box_logits`."""
    best = np.zeros(num_phrases)
    np.maximum.at(best, np.asarray(labels, np.int64), np.asarray(scores, np.float64))
    return best


def box_logits(
    scores: npt.ArrayLike, labels: npt.ArrayLike, num_phrases: int
) -> npt.NDArray[np.float64]:
    """Evidence of any detector: the logit of the best box score of each phrase.

    Args:
        scores: [N] scores of boxes in [0, 1]; N may be 0.
        labels: [N] the phrase of each box, in [0, P).
        num_phrases: P.

    Returns:
        [P] logits in about [-6.9, 6.9]; a phrase without a box has the lowest.

    Example:
        >>> box_logits([0.5, 0.2], [1, 1], 2).round(1).tolist()
        [-6.9, 0.0]
    """
    best = best_scores(scores, labels, num_phrases)
    return logit(best.clip(_LEAST_BOX_SCORE, 1 - _LEAST_BOX_SCORE))
