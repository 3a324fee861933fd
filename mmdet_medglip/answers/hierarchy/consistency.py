"""A child is never above its parent.

Where ``left kidney`` scores 0.8, the box is one of a kidney with at least 0.8. Boxes are consistent
if at the place of each box (an overlap of at least ``iou_threshold``) every node above it that was
asked for has a box with at least the same score. A node is asked for if any of its names is.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torchvision.ops import nms

from ..overlap import overlaps
from .confidence import best_at_boxes
from .family import Family

__all__ = ['WAYS', 'Way', 'inconsistent_pairs', 'make_consistent']

Way = Literal['raise', 'lower']
WAYS: tuple[Way, ...] = get_args(Way)
"""Raise the parent to the child, or lower the child to the parent."""

_MARGIN = 1e-4
"""Added to the threshold where NMS measures the overlap, so that rounding cannot undo a pair."""


def inconsistent_pairs(found: InstanceData, family: Family, iou_threshold: float = 0.6) -> int:
    """Count pairs of a box and a node asked for above it that has no box there as good.

    Args:
        found: ``bboxes`` (n, 4) xyxy, ``scores`` (n,), and ``labels`` (n,), entries of the family;
            n may be 0.
        family: The phrases and what lies above them.
        iou_threshold: Least overlap of boxes at one place, in (0, 1].

    Returns:
        Number of pairs, 0 if the boxes are consistent.
    """
    wanted = _asked_above(family)[:, found.labels.cpu()].T.to(found.scores.device)
    best = best_at_boxes(found, family, iou_threshold)
    return int((wanted & (best < found.scores[:, None])).sum())


def make_consistent(
    found: InstanceData, family: Family, way: Way = 'raise', iou_threshold: float = 0.6
) -> InstanceData:
    """Change as few scores as it takes to make boxes consistent.

    ``'raise'``: of the boxes of the parent at the place of a child, the one that overlaps it most
    gets the child's score; without one, the child's box becomes a box of the parent, too.
    ``'lower'``: a child gets the score of the best box of the parent there; without one it leaves.

    Args:
        found: Boxes as for :func:`inconsistent_pairs`; further fields go along.
        family: The phrases and what lies above them.
        way: One of :data:`WAYS`.
        iou_threshold: Least overlap of boxes at one place, in (0, 1].

    Returns:
        New boxes, those of before first, in no order of scores; :func:`inconsistent_pairs` is 0.

    Raises:
        ValueError: An unknown way.
    """
    if way not in WAYS:
        raise ValueError(f'consistent must be one of {WAYS}, got {way!r}.')
    if way == 'lower':
        # From coarse to fine: a child is compared with parents that no longer change.
        for depth in (1, 0):
            found = _lower(found, family, depth, iou_threshold)
        return found
    asked = _asked_above(family).any(1)
    # From fine to coarse: a class that was raised calls for its region.
    for depth in (1, 2):
        for entry in (asked & (family.depth == depth)).nonzero().flatten().tolist():
            found = _raise(found, family, entry, iou_threshold)
    return found


def _asked_above(family: Family) -> Tensor:
    """Whether ``i`` stands for a node that was asked for and lies above ``j``, bool (N, N)."""
    entries = torch.arange(len(family))
    asked = (family.representative == entries) & (entries < family.num_asked)
    return family.above & asked[:, None]


def _raise(found: InstanceData, family: Family, parent: int, least: float) -> InstanceData:
    labels = found.labels.cpu()
    children = family.above[parent, labels].nonzero().flatten().to(found.scores.device)
    parents = (family.representative[labels] == parent).nonzero().flatten().to(children.device)
    if not len(children):
        return found
    wanted, scores = found.scores[children], found.scores.clone()
    alone = torch.ones_like(wanted, dtype=torch.bool)
    if len(parents):
        overlap = overlaps(found.bboxes[children], found.bboxes[parents])
        best = torch.where(overlap >= least, scores[parents], -torch.inf).amax(1)
        most, nearest = overlap.max(1)
        alone = most < least
        low = ~alone & (best < wanted)
        scores = scores.scatter_reduce(0, parents[nearest[low]], wanted[low], 'amax')
    found = found.clone()
    found.scores = scores
    orphans = children[alone]
    kept = nms(found.bboxes[orphans].float(), scores[orphans].float(), least + _MARGIN)
    added = found[orphans[kept]]
    added.labels = torch.full_like(added.labels, parent)
    return InstanceData.cat([found, added])


def _lower(found: InstanceData, family: Family, depth: int, least: float) -> InstanceData:
    labels = found.labels.cpu()
    wanted = _asked_above(family)[:, labels].T & (family.depth[labels] == depth)[:, None]
    best = best_at_boxes(found, family, least)
    allowed = best.masked_fill(~wanted.to(best.device), torch.inf).amin(1)
    found = found.clone()
    found.scores = torch.minimum(found.scores, allowed)
    return found[found.scores > -torch.inf]
