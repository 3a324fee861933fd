"""Overlap of boxes, as all answers measure it."""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import box_iou

__all__ = ['overlaps']


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of every box with every other box.

    A box fully overlaps its own copy even if it is empty, so that a copied box always counts as
    being at the same place.

    Args:
        boxes: (n, 4) xyxy, half open, in pixels; n may be 0.
        others: (m, 4) likewise.

    Returns:
        (n, m) values in [0, 1].

    Example:
        >>> import torch
        >>> overlaps(torch.tensor([[0., 0, 4, 4]]), torch.tensor([[0., 0, 4, 2], [9., 9, 9, 9]]))
        tensor([[0.5000, 0.0000]])
    """
    equal = (boxes[:, None] == others[None]).all(-1)
    return box_iou(boxes.float(), others.float()).nan_to_num(0.0).masked_fill(equal, 1.0)
