"""The answer of one model, as the page shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmdet_medglip.apis import (
    AnswerOptions,
    Failure,
    GroundingResult,
    PhraseAnswer,
    Question,
    ReadOptions,
)
from mmdet_medglip.apis.reading import ImageToRead
from mmdet_medglip.ingest.dicom.files import is_dicom
from mmdet_medglip.visualization.palette import is_dashed, phrase_colours

from .demo_model import DemoModel
from .refusal_error import RefusalError
from .study import Study

__all__ = ['Answer', 'answer_of', 'refusing']

_EVIDENCE_THR = 0.02
"""Least score of a box that is told as the strongest one of a phrase without boxes."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer of a model.

    Args:
        result: With the names that the owner of the image knows; None if there is none.
        told: As plain JSON values.
        stored: The result with the place of the image, for files that refer to it.
        study: Whose image it is.
    """

    result: GroundingResult | None
    told: dict[str, Any]
    stored: GroundingResult | None = None
    study: Study | None = None

    @property
    def is_dicom(self) -> bool:
        """Whether DICOM objects can refer to the image."""
        path = None if self.stored is None else self.stored.source.path
        return path is not None and is_dicom(Path(path))


def answer_of(
    model: DemoModel,
    image: ImageToRead,
    question: Question,
    read: ReadOptions,
    how: AnswerOptions,
    study: Study,
) -> Answer:
    """Ask a model about an image.

    Args:
        model: The model; nobody else may use it meanwhile.
        image: An image of the study.
        question: What to find.
        read: How the image is read.
        how: Which boxes are answered.
        study: Whose names are told.

    Raises:
        RefusalError: The question or an option does not fit the model.
    """
    started = time.monotonic()
    one = _ask(model, image, question, read, how)
    seconds = round(time.monotonic() - started, 2)
    if isinstance(one, Failure):
        return Answer(None, {'model': model.name, 'failure': study.reason(one)})
    unseen = any(answer.negated and not answer.boxes for answer in one.answers)
    weak = None
    if unseen and (how.score_thr or 0.0) > _EVIDENCE_THR:
        # Only to tell how near the nearest box is; the answer stays as it is.
        weak = _ask(model, image, question, read, replace(how, score_thr=_EVIDENCE_THR))
    result = study.own(one)
    return Answer(
        result,
        {
            'model': model.name,
            'seconds': seconds,
            'levels': model.has_levels,
            'result': result.to_dict(),
            'names': _names(result),
            'negated': [_evidence(one, weak) for one in result.answers if one.negated],
        },
        one,
        study,
    )


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what a model says about words and options into a refusal.

    Raises:
        RefusalError: Instead of ``ValueError``.
    """
    try:
        yield
    except ValueError as error:
        raise RefusalError(str(error)) from None


def _ask(
    model: DemoModel, image: ImageToRead, question: Question, read: ReadOptions, how: AnswerOptions
) -> GroundingResult | Failure:
    with refusing():
        found = model.inferencer.stream_images(
            [image], question, read, how, batch_size=1, num_workers=0
        )
        return next(found)


def _names(result: GroundingResult) -> list[dict[str, Any]]:
    """What boxes are called, and how the overlay draws them."""
    names = list(dict.fromkeys((*result.phrases, *result.names)))
    return [
        {'name': name, 'colour': '#{:02x}{:02x}{:02x}'.format(*colour), 'dashed': is_dashed(index)}
        for index, (name, colour) in enumerate(zip(names, phrase_colours(len(names)), strict=True))
    ]


def _evidence(answer: PhraseAnswer, weak: GroundingResult | Failure | None) -> dict[str, Any]:
    """What the image shows of a phrase that is said to be absent."""
    score = answer.best_score
    if score is None and isinstance(weak, GroundingResult):
        score = next((one.best_score for one in weak.answers if one.phrase == answer.phrase), None)
    return {
        'phrase': answer.phrase,
        'found': answer.present,
        'boxes': answer.boxes,
        'best_score': None if score is None else round(score, 4),
        'probability': None if answer.probability is None else round(answer.probability, 4),
    }
