"""How sure it is that a place shows a node of the hierarchy, given the scored boxes there."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from ..overlap import overlaps
from .family import Family

__all__ = ['COMBINATIONS', 'Combination', 'best_at_boxes', 'check_combination', 'confidences']

Combination = Literal['max', 'noisy_or']
COMBINATIONS: tuple[Combination, ...] = get_args(Combination)
"""Confidence in a parent from those in its children: the largest, or one minus the product of one
minus each, which takes the children as independent causes."""


def check_combination(combine: str) -> None:
    """Refuse what is none of :data:`COMBINATIONS`.

    Raises:
        ValueError: It is not.
    """
    if combine not in COMBINATIONS:
        raise ValueError(f'combine must be one of {COMBINATIONS}, got {combine!r}.')


def best_at_boxes(found: InstanceData, family: Family, iou_threshold: float) -> Tensor:
    """Best score that each node has at the place of each box.

    Args:
        found: ``bboxes`` (n, 4), ``scores`` (n,), and ``labels`` (n,), entries of the family.
        family: With N entries.
        iou_threshold: Least overlap of boxes at one place.

    Returns:
        (n, N), at the entry that represents a node the best score of its boxes that overlap the
        box, itself included; ``-inf`` where there is none, and at all other entries.
    """
    device, count = found.scores.device, len(found.scores)
    near = overlaps(found.bboxes, found.bboxes) >= iou_threshold
    scores = torch.where(near, found.scores[None], -torch.inf)
    node = family.representative.to(device)[found.labels].expand(count, count)
    best = found.scores.new_full((count, len(family)), -torch.inf)
    return best.scatter_reduce(1, node, scores, 'amax')


def confidences(
    found: InstanceData,
    family: Family,
    iou_threshold: float,
    combine: Combination = 'max',
    *,
    asked_alone: bool = True,
) -> Tensor:
    """Confidence in each node at the place of each box.

    A node that was asked for has the score of its own best box there, 0 without one. A node that
    was not has what its children in the family combine to.

    Args:
        found: As for :func:`best_at_boxes`, scores in [0, 1].
        family: With N entries.
        iou_threshold: Least overlap of boxes at one place.
        combine: How children combine, see :data:`COMBINATIONS`.
        asked_alone: Off, a node that was asked for also has what its children combine to, where
            that is more.

    Returns:
        (n, N) in [0, 1], at the entry that represents a node; 0 at all other entries.

    Raises:
        ValueError: An unknown way to combine.
    """
    check_combination(combine)
    values = best_at_boxes(found, family, iou_threshold).clamp(min=0)
    first = family.representative == torch.arange(len(family))
    for depth in (1, 2):
        for entry in (first & (family.depth == depth)).nonzero().flatten().tolist():
            children = family.children(entry)
            if children and not (asked_alone and entry < family.num_asked):
                values[:, entry] = torch.maximum(
                    values[:, entry], _combine(values[:, children], combine)
                )
    return values


def _combine(values: Tensor, combine: Combination) -> Tensor:
    return values.amax(1) if combine == 'max' else 1 - (1 - values).prod(1)
