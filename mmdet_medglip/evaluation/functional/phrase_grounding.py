"""Phrase grounding: measures of one phrase of one image at a time, and their means.

A phrase is *present* if it has truth on the image, else *absent*. The best box is the one of
highest score; a box is *answered* if its score reaches a threshold. IoU >= 0.5 is a hit.

Over present phrases:

- ``Recall@k`` and ``Acc@0.5``: see :mod:`.phrase_recall`. ``Recall@k_merged``: the merged-box
  protocol (Kamath et al., MDETR, section 4.2), where the truth is the smallest box around all
  boxes of the phrase.
- ``mIoU_top1``: mean IoU of the best box, of phrases with exactly one truth box (Chen et al.,
  MedRPG); 0 without a box.
- ``mIoU_union``: IoU of the region that all boxes above a score cover with the region of the
  truth, mean over the scores 0.1, 0.2, 0.3, 0.4, 0.5 and over phrases (Mueller et al., ChEX). The
  two are no estimates of one thing.
- ``pointing``: share of phrases where the centre of the best box lies in a truth box (Zhang et al.
  2016, pointing game, which takes the peak of a map and allows 15 pixels; here none).
- ``SetF1_present@0.5``: mean F1 of the answered boxes, each matched to at most one truth box, the
  largest IoU first.
- ``T-acc``: share with an answered box.

Over all phrases, as gRefCOCO counts (Liu et al., GREC):

- ``SetF1@0.5``: the mean F1, where an absent phrase has 1 without an answered box, else 0.
- ``SetExact@0.5``: share of phrases whose F1 is 1.
- ``N-acc``: share of absent phrases without an answered box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .boxes import enclosing_box, pairwise_iou, union_iou
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall

__all__ = ['JudgedPhrase', 'judge_phrase', 'phrase_figures', 'set_f1']

_UNION_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class JudgedPhrase:
    """What is kept of one phrase of one image.

    Attributes:
        rank: 1-based rank of the first box that hits a truth box, ``MISS`` if none does.
        merged_rank: The same for the box around the truth.
        num_truth: Truth boxes; 0 of an absent phrase, of which ranks are ``MISS`` and overlaps 0.
        top_iou: Largest IoU of the best box with a truth box.
        union: Mean over scores of the IoU of the regions.
        pointed: Whether the centre of the best box lies in a truth box.
        f1: F1 of the answered boxes.
        answered: Whether there is one.
    """

    rank: int
    merged_rank: int
    num_truth: int
    top_iou: float
    union: float
    pointed: bool
    f1: float
    answered: bool


def judge_phrase(
    boxes: npt.NDArray,
    scores: npt.NDArray,
    truth: npt.NDArray,
    *,
    score_threshold: float = 0.3,
    iou_threshold: float = 0.5,
) -> JudgedPhrase:
    """Judge the boxes of one phrase of one image.

    Args:
        boxes: [N, 4] boxes of the phrase, xyxy in pixels; N may be 0.
        scores: [N] their scores; equal scores keep their order.
        truth: [G, 4] truth boxes; none if the phrase is absent.
        score_threshold: Boxes from this score on are answered.
        iou_threshold: Least IoU of a hit, in (0, 1].

    Returns:
        What is kept of the phrase.

    Raises:
        ValueError: If the threshold is not in (0, 1] or the lengths differ.
    """
    rank = first_hit(boxes, scores, truth, iou_threshold)
    answered = boxes[np.asarray(scores) >= score_threshold]
    f1 = set_f1(answered, truth, iou_threshold)
    if not len(truth) or not len(boxes):
        return JudgedPhrase(MISS, MISS, len(truth), 0.0, 0.0, False, f1, len(answered) > 0)
    best = boxes[int(np.argmax(scores))]
    centre = (best[:2] + best[2:]) / 2
    inside = (truth[:, :2] <= centre) & (centre < truth[:, 2:])
    regions = [union_iou(boxes[scores >= score], truth) for score in _UNION_SCORES]
    return JudgedPhrase(
        rank=rank,
        merged_rank=first_hit(boxes, scores, enclosing_box(truth), iou_threshold),
        num_truth=len(truth),
        top_iou=float(pairwise_iou(best[None], truth).max()),
        union=float(np.mean(regions)),
        pointed=bool(inside.all(axis=1).any()),
        f1=f1,
        answered=len(answered) > 0,
    )


def set_f1(boxes: npt.NDArray, truth: npt.NDArray, iou_threshold: float = 0.5) -> float:
    """F1 of a set of boxes, matched one to one, the pair of largest IoU first.

    Args:
        boxes: [N, 4] answered boxes, xyxy in pixels; N may be 0.
        truth: [G, 4] truth boxes; G may be 0.
        iou_threshold: Least IoU of a match, in (0, 1].

    Returns:
        A value in [0, 1]; 1 if both sets are empty.

    Raises:
        ValueError: If the threshold is not in (0, 1].

    Example:
        >>> truth = np.array([[0, 0, 10, 10], [20, 20, 30, 30]])
        >>> set_f1(truth[:1], truth).__round__(3)
        0.667
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f'Expected `iou_threshold` in (0, 1], got {iou_threshold}.')
    if not len(boxes) and not len(truth):
        return 1.0
    overlap = pairwise_iou(boxes, truth)
    matched = 0
    while overlap.size and overlap.max() >= iou_threshold:
        row, column = np.unravel_index(int(overlap.argmax()), overlap.shape)
        overlap[row], overlap[:, column] = -1, -1
        matched += 1
    return 2 * matched / (len(boxes) + len(truth))


def phrase_figures(
    judged: Sequence[JudgedPhrase], *, topk: Sequence[int] = (1, 5, 10), iou_threshold: float = 0.5
) -> dict[str, float]:
    """Means over phrases.

    Args:
        judged: Any number of phrases.
        topk: Numbers of boxes that Recall@k looks at.
        iou_threshold: Of the judgement, for the names of figures.

    Returns:
        Name to value in [0, 1], NaN where no phrase counts.

    Raises:
        ValueError: If a k is smaller than 1.
    """
    present = [one for one in judged if one.num_truth]
    absent = [one for one in judged if not one.num_truth]
    pairs = [PhrasePair(one.rank, one.num_truth) for one in present]
    merged = [PhrasePair(one.merged_rank, 1) for one in present]
    at = f'@{iou_threshold:g}'
    figures = {f'Acc{at}': phrase_accuracy(pairs)}
    figures |= {f'Recall@{k}': share for k, share in phrase_recall(pairs, topk).items()}
    figures |= {f'Recall@{k}_merged': share for k, share in phrase_recall(merged, topk).items()}
    return figures | {
        'mIoU_top1': _mean([one.top_iou for one in present if one.num_truth == 1]),
        'mIoU_union': _mean([one.union for one in present]),
        'pointing': _mean([one.pointed for one in present]),
        f'SetF1_present{at}': _mean([one.f1 for one in present]),
        f'SetF1{at}': _mean([one.f1 for one in judged]),
        f'SetExact{at}': _mean([one.f1 == 1 for one in judged]),
        'T-acc': _mean([one.answered for one in present]),
        'N-acc': _mean([not one.answered for one in absent]),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float('nan')
