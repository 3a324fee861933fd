"""Scores of single answers and reports, which add up to the measures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..vqa.scoring import closed_hit, exact_match, open_score

__all__ = ['AnswerScore', 'FindingCounts', 'count_findings', 'score_answer']


@dataclass(frozen=True)
class AnswerScore:
    """Score of one answer.

    Attributes:
        answer_type: ``closed`` or ``open``.
        value: Of a closed question 1 if it is right, else 0; of an open one the share of the words
            of the true answer that were said.
        exact: Whether the words are those of the truth, case and marks apart.
    """

    answer_type: str
    value: float
    exact: bool


@dataclass(frozen=True)
class FindingCounts:
    """How findings that were said compare with the true ones; counts add up.

    Attributes:
        both: Said and true.
        said: Said.
        true: True.
    """

    both: int = 0
    said: int = 0
    true: int = 0

    def __add__(self, other: FindingCounts) -> FindingCounts:
        return FindingCounts(self.both + other.both, self.said + other.said, self.true + other.true)

    @property
    def precision(self) -> float:
        """Share of what is said that is true; NaN if nothing is said."""
        return self.both / self.said if self.said else float('nan')

    @property
    def recall(self) -> float:
        """Share of what is true that is said; NaN if nothing is true."""
        return self.both / self.true if self.true else float('nan')

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; NaN if nothing is said and nothing true."""
        total = self.said + self.true
        return 2 * self.both / total if total else float('nan')


def count_findings(true: Iterable[object], said: Iterable[object]) -> FindingCounts:
    """Count the findings of one image.

    Example:
        >>> count_findings([('nodule', 'left')], [('nodule', 'left'), ('pneumonia', '')])
        FindingCounts(both=1, said=2, true=1)
    """
    of_true, of_said = ({_frozen(one) for one in found} for found in (true, said))
    return FindingCounts(len(of_true & of_said), len(of_said), len(of_true))


def _frozen(finding: object) -> object:
    return tuple(finding) if isinstance(finding, list) else finding


def score_answer(truth: str, answer: str, answer_type: str) -> AnswerScore:
    """Score one answer as LLaVA-Med does, see :mod:`~mmdet_medglip.downstream.vqa.scoring`.

    Args:
        truth: The true answer, not empty.
        answer: What was said; may be empty.
        answer_type: ``closed`` or ``open``.

    Returns:
        The score.

    Example:
        >>> score_answer('upper left', 'Lower left', 'open')
        AnswerScore(answer_type='open', value=0.5, exact=False)
    """
    exact = exact_match(answer, truth)
    if answer_type == 'closed':
        return AnswerScore('closed', float(closed_hit(answer, truth)), exact)
    return AnswerScore('open', open_score(answer, truth).recall, exact)
