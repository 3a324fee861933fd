"""Which of the scored places become boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmcv.ops import batched_nms
from torch import Tensor

__all__ = ['Pairs', 'best_pairs', 'suppress_doubles']

_FIRST_LOOK = 4
"""Boxes looked at first, as a multiple of those wanted; most doubles lie among the best boxes."""


class Pairs(NamedTuple):
    """Pairs of place and phrase, ordered by image.

    Attributes:
        image: int64 (n,).
        place: int64 (n,).
        phrase: int64 (n,).
        score: (n,).
    """

    image: Tensor
    place: Tensor
    phrase: Tensor
    score: Tensor


def best_pairs(scores: Sequence[Tensor], threshold: float, most: int) -> Pairs:
    """Pairs of place and phrase above a threshold, the best ones of each level and image.

    Args:
        scores: Of each level (B, N_l, P); places are numbered over all levels.
        threshold: Scores must exceed it.
        most: Pairs kept of a level of an image, the best ones; negative keeps all.

    Example:
        >>> scores = torch.tensor([[[0.9, 0.2], [0.8, 0.7], [0.3, 0.1]]])
        >>> pairs = best_pairs(scores.split([2, 1], dim=1), threshold=0.1, most=2)
        >>> pairs.place.tolist(), pairs.phrase.tolist()
        ([0, 1, 2], [0, 0, 0])
    """
    phrases = scores[0].shape[2]
    values, indices, begin = [], [], 0
    for level in scores:
        flat = level.flatten(1)
        count = flat.shape[1] if most < 0 else min(most, flat.shape[1])
        value, index = flat.topk(count)
        values.append(value)
        indices.append(index + begin * phrases)
        begin += level.shape[1]
    value, index = torch.cat(values, dim=1), torch.cat(indices, dim=1)
    image, slot = (value > threshold).nonzero(as_tuple=True)
    index = index[image, slot]
    place = torch.div(index, phrases, rounding_mode='floor')
    return Pairs(image, place, index - place * phrases, value[image, slot])


def suppress_doubles(
    boxes: Tensor, scores: Tensor, labels: Tensor, nms: Mapping[str, Any], most: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Best boxes of one image without those that overlap a better one of the same label.

    Suppression goes from the best score down, so what it keeps of the best boxes does not depend
    on the rest: where these already yield as many as wanted, the rest is never compared.

    Args:
        boxes: (n, 4); n may be 0.
        scores: (n,).
        labels: (n,).
        nms: As in mmcv's ``batched_nms``; of another type than ``'nms'``, all boxes are compared.
        most: Number of boxes wanted, at least 0.

    Returns:
        Boxes (k, 4), scores (k,), and labels (k,), best first, with ``k <= most``.
    """
    order = scores.argsort(descending=True, stable=True)
    looked_at = max(_FIRST_LOOK * most, 1)
    if nms.get('type', 'nms') != 'nms':
        looked_at = max(looked_at, len(order))
    while len(order):
        head = order[:looked_at]
        found, kept = batched_nms(boxes[head], scores[head], labels[head], nms)
        if len(kept) >= most or looked_at >= len(order):
            kept = head[kept[:most]]
            return boxes[kept], found[:most, -1], labels[kept]
        looked_at *= _FIRST_LOOK
    return boxes, scores, labels
