"""Of several boxes at one place, which ones are answered.

Boxes at one place overlap by more than a threshold, as in NMS.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from mmengine.structures import InstanceData
from torch import Tensor
from torchvision.ops import batched_nms

from ..overlap import overlaps
from .family import Family, Rivalry

__all__ = ['NESTED', 'Nested', 'best_first', 'drop_doubles', 'drop_nested', 'drop_rivals']

Nested = Literal['finest', 'best']
NESTED: tuple[Nested, ...] = get_args(Nested)
"""Which of a parent and its child at one place stays: the child, or the one that scores better."""


def best_first(found: InstanceData, family: Family) -> InstanceData:
    """Sort boxes by score, of equal ones the coarser first.

    Consistent boxes then stay consistent wherever the list is cut.
    """
    coarse_first = (-family.depth[found.labels.cpu()]).argsort(stable=True)
    found = found[coarse_first.to(found.scores.device)]
    return found[found.scores.argsort(descending=True, stable=True)]


def drop_doubles(found: InstanceData, family: Family, iou_threshold: float) -> InstanceData:
    """Keep the best of boxes of one node at one place, whichever of its names was asked.

    Args:
        found: ``bboxes`` (n, 4), ``scores`` (n,), and ``labels`` (n,), entries of the family.
        family: The phrases and what lies above them.
        iou_threshold: Boxes that overlap more are at one place.

    Returns:
        The boxes kept, best first.
    """
    node = family.representative.to(found.labels.device)[found.labels]
    return found[batched_nms(found.bboxes.float(), found.scores.float(), node, iou_threshold)]


def drop_rivals(
    found: InstanceData, family: Family, rivalry: Rivalry, iou_threshold: float
) -> InstanceData:
    """Keep the best of boxes at one place of which only one can be right, see ``RIVALRIES``.

    Args:
        found: Boxes as for :func:`drop_doubles`.
        family: The phrases and what lies above them.
        rivalry: One of ``RIVALRIES``.
        iou_threshold: Boxes that overlap more are at one place.

    Returns:
        The boxes kept, best first.

    Raises:
        ValueError: An unknown rivalry.
    """
    return _drop(best_first(found, family), family.rivals(rivalry), iou_threshold)


def drop_nested(
    found: InstanceData, family: Family, keep: Nested, iou_threshold: float
) -> InstanceData:
    """Let one level answer a place: of a box and boxes of what lies above it, one stays.

    Args:
        found: Boxes as for :func:`drop_doubles`.
        family: The phrases and what lies above them.
        keep: One of :data:`NESTED`; with ``'best'``, of equal scores the finer stays.
        iou_threshold: Boxes that overlap more are at one place.

    Returns:
        The boxes kept, best first.

    Raises:
        ValueError: Another value of ``keep``.
    """
    if keep not in NESTED:
        raise ValueError(f'nms.nested must be one of {NESTED}, got {keep!r}.')
    depth = family.depth.to(found.labels.device)
    found = found[found.scores.argsort(descending=True, stable=True)]
    found = found[depth[found.labels].argsort(stable=True)]
    if keep == 'best':
        found = found[found.scores.argsort(descending=True, stable=True)]
    return best_first(_drop(found, family.above | family.above.T, iou_threshold), family)


def _drop(found: InstanceData, conflicts: Tensor, iou_threshold: float) -> InstanceData:
    """Go through boxes in order; each that stays drops later ones in conflict with it.

    NMS by groups cannot say this: left and right kidney may each be in conflict with a kidney, but
    not with each other.
    """
    labels = found.labels.cpu()
    near = (overlaps(found.bboxes, found.bboxes) > iou_threshold).cpu()
    drops = near & conflicts[labels][:, labels]
    stays = torch.ones(len(labels), dtype=torch.bool)
    for row in drops.any(1).nonzero().flatten().tolist():
        if stays[row]:
            stays[row + 1 :] &= ~drops[row, row + 1 :]
    return found[stays.to(found.labels.device)]
