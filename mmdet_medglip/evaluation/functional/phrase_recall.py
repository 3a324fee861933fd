"""Phrase grounding: does the best box of a phrase find what the phrase means?

A *pair* is one phrase asked of one image that has at least one truth box there; phrases of absent
things are not counted here. Boxes of a phrase are ranked by score.

- **Recall@k, any-box protocol** (Kamath et al., MDETR, section 4.2, and Plummer et al.,
  Flickr30k Entities): share of pairs where one of the k best boxes has IoU >= 0.5 with *any* truth
  box of the phrase.
- **Acc@0.5** (Yu et al., RefCOCO; Chen et al., MedRPG, section 3): share of pairs *with exactly
  one* truth box where the best box has IoU >= 0.5 with it. Both are equal at k = 1 where every
  phrase has one box.

Without any such pair a metric is NaN; a pair without predictions is a miss.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .boxes import pairwise_iou

__all__ = ['MISS', 'PhrasePair', 'first_hit', 'phrase_accuracy', 'phrase_recall']

MISS = np.iinfo(np.int32).max
"""Rank of a pair that no box hits: beyond every k."""


@dataclass(frozen=True)
class PhrasePair:
    """What is kept of one phrase of one image.

    Args:
        rank: 1-based rank of the first box that hits, ``MISS`` if none does.
        num_truth: Truth boxes of the phrase, at least 1.
    """

    rank: int
    num_truth: int


def first_hit(
    boxes: npt.NDArray, scores: npt.NDArray, truth: npt.NDArray, iou_threshold: float = 0.5
) -> int:
    """Rank of the best-scored box that hits any truth box.

    Args:
        boxes: [P, 4] boxes predicted for the phrase, xyxy in pixels; P may be 0.
        scores: [P] their scores; equal scores keep their order.
        truth: [G, 4] truth boxes of the phrase in the same frame.
        iou_threshold: Least IoU of a hit, in (0, 1].

    Returns:
        1 for the best-scored box, 2 for the next, ...; ``MISS`` if no box hits.

    Raises:
        ValueError: If the threshold is not in (0, 1] or the shapes differ.

    Example:
        >>> boxes = np.array([[50, 50, 60, 60], [0, 0, 10, 8]])
        >>> first_hit(boxes, np.array([0.9, 0.4]), np.array([[0, 0, 10, 10]]))
        2
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f'Expected `iou_threshold` in (0, 1], got {iou_threshold}.')
    if len(boxes) != len(scores):
        raise ValueError(f'Expected one score per box, got {len(boxes)} and {len(scores)}.')
    if not len(boxes) or not len(truth):
        return MISS
    order = np.argsort(-np.asarray(scores), kind='stable')
    hits = pairwise_iou(boxes[order], truth).max(axis=1) >= iou_threshold
    return int(hits.argmax()) + 1 if hits.any() else MISS


def phrase_recall(pairs: Iterable[PhrasePair], topk: Sequence[int] = (1, 5)) -> dict[int, float]:
    """Recall@k for each k, any-box protocol.

    Args:
        pairs: One per (image, phrase) with truth; may be empty.
        topk: Positive numbers of boxes looked at.

    Returns:
        k -> share of pairs in [0, 1], NaN without pairs.

    Raises:
        ValueError: If a k is smaller than 1.

    Example:
        >>> phrase_recall([PhrasePair(rank=1, num_truth=1), PhrasePair(rank=3, num_truth=2)])
        {1: 0.5, 5: 1.0}
    """
    if any(k < 1 for k in topk):
        raise ValueError(f'Expected every k of `topk` >= 1, got {tuple(topk)}.')
    ranks = np.array([pair.rank for pair in pairs], dtype=np.int64)
    return {k: float((ranks <= k).mean()) if len(ranks) else float('nan') for k in topk}


def phrase_accuracy(pairs: Iterable[PhrasePair]) -> float:
    """Acc@0.5: share of the pairs with exactly one truth box whose best box hits it.

    Args:
        pairs: One per (image, phrase) with truth; may be empty.

    Returns:
        A share in [0, 1], NaN if no pair has exactly one truth box.

    Example:
        >>> phrase_accuracy([PhrasePair(rank=1, num_truth=1), PhrasePair(rank=3, num_truth=2)])
        1.0
    """
    return phrase_recall([pair for pair in pairs if pair.num_truth == 1], topk=(1,))[1]
