"""False boxes on negatives, and what they cost at a given recall of boxes.

A detector that answers fewer boxes has fewer false ones, so figures of two detectors compare at
equal recall only: both are moved along their score threshold until they find the same share of the
truth boxes. A truth box is found at a threshold if a box of its phrase with at least that score is
matched to it: boxes from the best score down, each with the truth box it overlaps most of those
still free, IoU >= 0.5, as COCO does.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .boxes import pairwise_iou

__all__ = ['RecallCurve', 'found_at', 'recall_curve']


def found_at(
    boxes: npt.NDArray, scores: npt.NDArray, truth: npt.NDArray, iou_threshold: float = 0.5
) -> npt.NDArray[np.float64]:
    """Score of the box that finds each truth box of one phrase on one image.

    Args:
        boxes: [N, 4] boxes of the phrase, xyxy in pixels; N may be 0.
        scores: [N] their scores; equal scores keep their order.
        truth: [G, 4] truth boxes of the phrase; G may be 0.
        iou_threshold: Least IoU of a match, in (0, 1].

    Returns:
        [G] highest threshold that finds the truth box, minus infinity if none does.

    Raises:
        ValueError: If the threshold is not in (0, 1] or the lengths differ.

    Example:
        >>> boxes = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [50, 50, 60, 60]])
        >>> found_at(boxes, np.array([0.9, 0.8, 0.7]), np.array([[0, 0, 10, 10]]))
        array([0.9])
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f'Expected `iou_threshold` in (0, 1], got {iou_threshold}.')
    if len(boxes) != len(scores):
        raise ValueError(f'Expected one score per box, got {len(boxes)} and {len(scores)}.')
    found = np.full(len(truth), -np.inf)
    if not len(boxes) or not len(truth):
        return found
    overlap = pairwise_iou(boxes, truth)
    for row in np.argsort(-np.asarray(scores), kind='stable'):
        free = np.where(np.isneginf(found), overlap[row], -1.0)
        best = int(free.argmax())
        if free[best] >= iou_threshold:
            found[best] = scores[row]
    return found


@dataclass(frozen=True)
class RecallCurve:
    """Recall of truth boxes and false boxes, from the highest score threshold down.

    Attributes:
        threshold: [K] falling.
        recall: [K] share of the truth boxes, rising.
        false_boxes: [K] false boxes per negative, rising.
    """

    threshold: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    false_boxes: npt.NDArray[np.float64]

    def at_recall(self, recall: float) -> float:
        """False boxes per negative at the highest threshold that reaches a recall.

        Returns:
            A number of at least 0; NaN if no threshold reaches it.
        """
        enough = np.flatnonzero(self.recall >= recall - 1e-9)
        return float(self.false_boxes[enough[0]]) if len(enough) else float('nan')


def recall_curve(
    found: npt.ArrayLike, false_scores: npt.ArrayLike, num_negatives: int
) -> RecallCurve:
    """Curve over the score threshold of what is found and what is false.

    Args:
        found: [G] of :func:`found_at`, of all truth boxes.
        false_scores: [F] scores of all boxes of negatives.
        num_negatives: Number of negatives: pairs of an image and an asked phrase that it lacks.

    Returns:
        A point for each threshold at which another truth box is found; none without truth boxes or
        without negatives.

    Raises:
        ValueError: If boxes are said to be false without a negative.

    Example:
        >>> curve = recall_curve([0.9, 0.4, -np.inf], [0.8, 0.3, 0.2], num_negatives=2)
        >>> curve.recall.round(2).tolist(), curve.false_boxes.tolist()
        ([0.33, 0.67], [0.0, 0.5])
    """
    found, false_scores = np.sort(np.asarray(found, np.float64)), np.sort(np.asarray(false_scores))
    if len(false_scores) and num_negatives < 1:
        raise ValueError(f'{len(false_scores)} false boxes, but num_negatives={num_negatives}.')
    if not len(found) or num_negatives < 1:
        return RecallCurve(np.empty(0), np.empty(0), np.empty(0))
    threshold = np.unique(found[np.isfinite(found)])[::-1]
    recall, false = (
        len(scores) - np.searchsorted(scores, threshold, side='left')
        for scores in (found, false_scores)
    )
    return RecallCurve(threshold, recall / len(found), false / num_negatives)
