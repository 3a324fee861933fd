"""Figures of a file of answers, with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from mmdet_medglip.evaluation.functional.bootstrap import Interval, cluster_interval

from .answer import VqaAnswer
from .record import VqaRecord
from .scoring import closed_hit, exact_match, open_score

__all__ = ['FIGURES', 'QuestionScore', 'VqaScores', 'score_answers']

FIGURES = {
    'closed_accuracy': 'closed questions right by the rule of LLaVA-Med',
    'closed_exact': 'closed questions whose answer is the true one exactly',
    'open_recall': 'words of the true answer that were said, of open questions (LLaVA-Med)',
    'open_precision': 'words said that are of the true answer, of open questions',
    'open_f1': 'harmonic mean of both, of open questions',
    'open_exact': 'open questions whose answer is the true one exactly',
    'exact': 'all questions whose answer is the true one exactly',
}
"""What each figure is a mean of."""


@dataclass(frozen=True)
class QuestionScore:
    """Figures of one question.

    Attributes:
        question_id: Of the question.
        patient_id: Whose image it is about.
        values: In [0, 1] by name of a figure; a closed question has those of closed ones only, an
            open one those of open ones.
    """

    question_id: str
    patient_id: str
    values: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class VqaScores:
    """Figures of all questions.

    Attributes:
        questions: In the order of the questions.
    """

    questions: tuple[QuestionScore, ...]

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a figure of each question; NaN where it does not apply.

        Raises:
            ValueError: There is no such figure.
        """
        if name not in FIGURES:
            raise ValueError(f'There is no figure {name!r}; there are {", ".join(FIGURES)}.')
        return np.array([one.values.get(name, np.nan) for one in self.questions])

    def figures(self) -> dict[str, float]:
        """Return the mean of each figure over the questions that it applies to; NaN for none."""
        return {name: _mean(self.column(name)) for name in FIGURES}

    def counts(self) -> dict[str, int]:
        """Return the number of questions that each figure applies to."""
        return {name: int((~np.isnan(self.column(name))).sum()) for name in FIGURES}

    def intervals(self, repeats: int = 1000, seed: int = 0) -> dict[str, Interval]:
        """Return each figure with its 95 % interval, patients resampled.

        Args:
            repeats: Number of resamples.
            seed: Of the resamples.
        """
        patients = [one.patient_id for one in self.questions]
        found = {}
        for name in FIGURES:
            values = self.column(name)
            mean = partial(_mean_of, values)
            bounds = cluster_interval(patients, mean, repeats=repeats, seed=seed)
            found[name] = Interval(_mean(values), *bounds)
        return found


def score_answers(records: Sequence[VqaRecord], answers: Sequence[VqaAnswer]) -> VqaScores:
    """Judge the answers to a set of questions.

    Args:
        records: The questions.
        answers: One for each, in any order.

    Raises:
        ValueError: A question has no answer or two, or an answer is to another question.
    """
    by_id: dict[str, VqaAnswer] = {}
    for answer in answers:
        if answer.question_id in by_id:
            raise ValueError(f'Question {answer.question_id!r} has two answers.')
        by_id[answer.question_id] = answer
    asked = {record.question_id for record in records}
    missing = [record.question_id for record in records if record.question_id not in by_id]
    if missing:
        raise ValueError(
            f'{len(missing)} of {len(records)} questions have no answer, the first is '
            f'{missing[0]!r}: run tools/vqa.py run again with the same file to finish it.'
        )
    others = [name for name in by_id if name not in asked]
    if others:
        raise ValueError(
            f'{len(others)} answers are to questions that are not in the set, the first is '
            f'{others[0]!r}: score the set that was asked, with the same options.'
        )
    return VqaScores(tuple(_score(record, by_id[record.question_id]) for record in records))


def _score(record: VqaRecord, answer: VqaAnswer) -> QuestionScore:
    said, true = answer.answer, record.answer
    exact = float(exact_match(said, true))
    if record.answer_type == 'closed':
        values = {'closed_accuracy': float(closed_hit(said, true)), 'closed_exact': exact}
    else:
        overlap = open_score(said, true)
        values = {
            'open_recall': overlap.recall,
            'open_precision': overlap.precision,
            'open_f1': overlap.f1,
            'open_exact': exact,
        }
    return QuestionScore(record.question_id, record.patient_id, values | {'exact': exact})


def _mean_of(values: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]) -> float:
    return _mean(values[rows])


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float('nan')
