"""The score above which a detector's boxes are best taken."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from .error_types import BOX_KINDS, judge_boxes
from .image_detections import ImageDetections

__all__ = ['best_f1_threshold']

_CORRECT = BOX_KINDS.index('correct')


def best_f1_threshold(images: Iterable[ImageDetections]) -> float:
    """Find the score at which F1 of all boxes of all labels together is largest.

    F1 is ``2 C / (B + T)`` for ``C`` correct boxes (see :mod:`.error_types`) of ``B`` boxes at or
    above the score and ``T`` truth boxes. Scores of two detectors mean different things, so that
    their errors compare at such points rather than at one score.

    Args:
        images: Any number.

    Returns:
        The score; the highest of several that are as good; infinity if no box is correct.

    Example:
        >>> box, label = np.array([[0, 0, 10, 10]]), np.array([0])
        >>> image = ImageDetections(
        ...     boxes=np.concatenate([box, box + 50]), scores=np.array([0.5, 0.25]),
        ...     labels=np.array([0, 0]), gt_boxes=box, gt_labels=label,
        ...     gt_ignore=np.array([False]), asked=label)
        >>> best_f1_threshold([image])
        0.5
    """
    scores: list[npt.NDArray[np.float64]] = [np.empty(0)]
    correct: list[npt.NDArray[np.bool_]] = [np.empty(0, bool)]
    truth = 0
    for image in images:
        # A box says nothing about those of higher score, so all thresholds are judged at once.
        kinds = judge_boxes(image).kinds
        scores.append(np.asarray(image.scores, np.float64)[kinds >= 0])
        correct.append(kinds[kinds >= 0] == _CORRECT)
        truth += int((np.isin(image.gt_labels, image.asked) & ~image.gt_ignore).sum())
    values = np.concatenate(scores)
    order = np.argsort(-values, kind='stable')
    values, hits = values[order], np.cumsum(np.concatenate(correct)[order])
    if not len(values) or not hits[-1]:
        return float('inf')
    f1 = 2 * hits / (np.arange(1, len(values) + 1) + truth)
    # Boxes of one score are answered together.
    last = np.append(np.diff(values) != 0, True)
    best = int(np.flatnonzero(last)[f1[last].argmax()])
    return float(values[best])
