"""What goes wrong with boxes, counted by kind.

After TIDE (Bolya et al., A General Toolbox for Identifying Object Detection Errors, ECCV 2020), at
its thresholds: a box *covers* truth at IoU >= 0.5 and *touches* it at IoU >= 0.1. Boxes at or above
a score are judged from the best down, each once, by the first of these that fits:

1. *correct*: covers truth of its label that no better box took; it takes what it overlaps most.
2. *duplicate*: covers truth of its label that a better box took.
3. *mislabelled*: covers truth of another label.
4. *mislocated*: touches truth of its label.
5. *hallucinated*: none of these.

A truth box is *missed* if no box is correct on it and none that is mislabelled or mislocated lies
on it most; so one fault is counted once. Crowds are no truth here, and a box that lies by half in a
crowd of its label is not judged. Labels that the image was not asked for do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .average_precision import ImageDetections
from .boxes import pairwise_iou

__all__ = ['BOX_KINDS', 'ErrorCounts', 'JudgedBoxes', 'count_errors', 'judge_boxes']

BOX_KINDS = ('correct', 'duplicate', 'mislabelled', 'mislocated', 'hallucinated')
"""Kinds of boxes; ``JudgedBoxes.kinds`` are their positions here."""

_CORRECT, _DUPLICATE, _MISLABELLED, _MISLOCATED, _HALLUCINATED = range(len(BOX_KINDS))
_COVERS, _TOUCHES = 0.5, 0.1


@dataclass(frozen=True)
class JudgedBoxes:
    """Boxes and truth of one image, judged.

    Attributes:
        kinds: [P] position in :data:`BOX_KINDS` of each box; -1 for one that is not judged: below
            the score, in a crowd, of a label that was not asked.
        missed: [G] whether each truth box is missed; false for crowds and labels not asked.
    """

    kinds: npt.NDArray[np.int64]
    missed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ErrorCounts:
    """Numbers over a set of images.

    Attributes:
        correct: Boxes.
        duplicate: Boxes.
        mislabelled: Boxes.
        mislocated: Boxes.
        hallucinated: Boxes.
        missed: Truth boxes.
        truth: All truth boxes that count.
        images: Images.
    """

    correct: int
    duplicate: int
    mislabelled: int
    mislocated: int
    hallucinated: int
    missed: int
    truth: int
    images: int


def judge_boxes(image: ImageDetections, score_threshold: float = 0.0) -> JudgedBoxes:
    """Judge the boxes of one image.

    Args:
        image: Truth and boxes; either may be empty.
        score_threshold: Boxes below it are not judged.

    Returns:
        Kind of each box, and what of the truth is missed.

    Example:
        >>> box, label = np.array([[0, 0, 10, 10]]), np.array([0])
        >>> image = ImageDetections(
        ...     boxes=box + [[0, 0, 0, 20]], scores=np.array([0.9]), labels=label,
        ...     gt_boxes=box, gt_labels=label, gt_ignore=np.array([False]), asked=label)
        >>> [BOX_KINDS[kind] for kind in judge_boxes(image).kinds]
        ['mislocated']
    """
    counts = np.isin(image.gt_labels, image.asked) & ~image.gt_ignore
    truth, truth_labels = image.gt_boxes[counts], image.gt_labels[counts]
    judged = (
        np.isin(image.labels, image.asked) & (image.scores >= score_threshold) & ~_in_crowd(image)
    )
    overlap = pairwise_iou(image.boxes, truth)
    kinds = np.full(len(image.boxes), -1, np.int64)
    taken, touched = np.zeros(len(truth), bool), np.zeros(len(truth), bool)
    for row in np.argsort(-image.scores, kind='stable'):
        if judged[row]:
            kinds[row] = _judge(overlap[row], truth_labels == image.labels[row], taken, touched)
    missed = np.zeros(len(image.gt_boxes), bool)
    missed[counts] = ~taken & ~touched
    return JudgedBoxes(kinds, missed)


def _judge(
    overlap: npt.NDArray[np.float64],
    same: npt.NDArray[np.bool_],
    taken: npt.NDArray[np.bool_],
    touched: npt.NDArray[np.bool_],
) -> int:
    """Return the kind of one box; marks the truth it takes or touches."""
    if not len(overlap):
        return _HALLUCINATED
    free = np.where(same & ~taken, overlap, -1.0)
    if free.max() >= _COVERS:
        taken[free.argmax()] = True
        return _CORRECT
    own, others = np.where(same, overlap, -1.0), np.where(same, -1.0, overlap)
    if own.max() >= _COVERS:
        return _DUPLICATE
    if others.max() >= _COVERS:
        touched[others.argmax()] = True
        return _MISLABELLED
    if own.max() >= _TOUCHES:
        touched[own.argmax()] = True
        return _MISLOCATED
    return _HALLUCINATED


def _in_crowd(image: ImageDetections) -> npt.NDArray[np.bool_]:
    """[P] whether half of a box lies in a crowd of its label."""
    crowds, labels = image.gt_boxes[image.gt_ignore], image.gt_labels[image.gt_ignore]
    if not len(crowds) or not len(image.boxes):
        return np.zeros(len(image.boxes), bool)
    boxes = np.asarray(image.boxes, np.float64)
    low = np.maximum(boxes[:, None, :2], crowds[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], crowds[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    within = (inside >= _COVERS * area[:, None]) & (area[:, None] > 0)
    return (within & (image.labels[:, None] == labels[None])).any(axis=1)


def count_errors(images: Iterable[ImageDetections], score_threshold: float = 0.0) -> ErrorCounts:
    """Count the kinds of :func:`judge_boxes` over images.

    Args:
        images: Any number; none gives zeros.
        score_threshold: Boxes below it are not judged.

    Returns:
        The numbers.
    """
    kinds = np.zeros(len(BOX_KINDS), np.int64)
    missed = truth = number = 0
    for image in images:
        judged = judge_boxes(image, score_threshold)
        kinds += np.bincount(judged.kinds[judged.kinds >= 0], minlength=len(BOX_KINDS))
        missed += int(judged.missed.sum())
        truth += int((np.isin(image.gt_labels, image.asked) & ~image.gt_ignore).sum())
        number += 1
    named = dict(zip(BOX_KINDS, kinds.tolist(), strict=True))
    return ErrorCounts(**named, missed=missed, truth=truth, images=number)
