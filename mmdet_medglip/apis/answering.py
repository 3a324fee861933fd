"""From what a detector says of an image to a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .question import Question
from .result import FoundBox, GroundingResult, ImageSource, PhraseAnswer

__all__ = ['result_of']


def result_of(
    sample: Any,
    source: ImageSource,
    question: Question,
    score_thr: float,
    view: npt.NDArray[np.uint8] | None = None,
) -> GroundingResult:
    """Read the answer of a detector.

    Args:
        sample: Data sample with ``pred_instances``, perhaps ``pred_ancestors`` and
            ``pred_presence``; boxes in pixels of the original image.
        source: Which image.
        question: What was asked; labels are indices of its phrases.
        score_thr: Boxes below it are left out.
        view: Picture of the image.
    """
    meta = sample.metainfo
    height, width = (int(side) for side in meta['ori_shape'][:2])
    routing: Mapping[str, Any] = meta.get('routing') or {}
    boxes = _boxes(sample.pred_instances, score_thr, (height, width), question.phrases)
    if 'pred_ancestors' in sample:
        boxes += _boxes(sample.pred_ancestors, score_thr, (height, width), None)
        boxes.sort(key=lambda box: -box.score)
    spacing = meta.get('spacing_mm')
    return GroundingResult(
        source=source,
        height=height,
        width=width,
        question=question,
        boxes=tuple(boxes),
        answers=_answers(question, boxes, sample.get('pred_presence')),
        modality=str(meta['modality']),
        routed_by=str(routing.get('by', 'given')),
        modality_confidence=float(routing.get('confidence', 1.0)),
        spacing_mm=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        view=view,
    )


def _boxes(
    found: Any, score_thr: float, size: tuple[int, int], phrases: tuple[str, ...] | None
) -> list[FoundBox]:
    """Boxes above the threshold, inside the image, in their order."""
    scores = _numpy(found.scores)
    limit = np.array([*size[::-1], *size[::-1]], np.float32)
    corners = np.clip(_numpy(found.bboxes).reshape(-1, 4), 0, limit)
    levels = found.get('levels')
    boxes = []
    for row in np.flatnonzero(scores >= score_thr).tolist():
        phrase = None if phrases is None else int(found.labels[row])
        x1, y1, x2, y2 = corners[row].tolist()
        boxes.append(
            FoundBox(
                (x1, y1, x2, y2),
                float(scores[row]),
                str(found.label_names[row]) if phrases is None else phrases[phrase or 0],
                phrase,
                (levels[row] or None) if levels is not None else None,
            )
        )
    return boxes


def _answers(question: Question, boxes: list[FoundBox], presence: Any) -> tuple[PhraseAnswer, ...]:
    answers = []
    for index, (phrase, negated) in enumerate(zip(question.phrases, question.negated, strict=True)):
        own = [box.score for box in boxes if box.phrase == index]
        told = presence is not None and len(presence) > index
        answers.append(
            PhraseAnswer(
                phrase,
                negated,
                bool(presence.present[index]) if told else bool(own),
                float(presence.scores[index]) if told else None,
                len(own),
                max(own, default=None),
            )
        )
    return tuple(answers)


def _numpy(values: Any) -> npt.NDArray[np.float32]:
    return values.detach().cpu().float().numpy()
