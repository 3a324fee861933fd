"""Regions as vectors: what a detector's maps hold of each."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from torch import Tensor
from torchvision.ops import roi_align

__all__ = ['pool_regions']


def pool_regions(
    maps: Sequence[Tensor],
    boxes: Tensor,
    strides: Sequence[int],
    *,
    output_size: int = 7,
    finest_scale: float = 56.0,
) -> Tensor:
    """Pool a feature vector of each region from the maps of one image.

    A region is read from the map that fits its size, as in a feature pyramid: one whose side (root
    of its area) is below ``2 * finest_scale`` from the first, below ``4 * finest_scale`` from the
    second, and so on (Lin et al., Feature Pyramid Networks, arXiv 1612.03144, eq. 1, in the form
    of MMDetection's ``SingleRoIExtractor``). RoIAlign (He et al., Mask R-CNN, arXiv 1703.06870)
    samples it there, and the samples are averaged.

    Args:
        maps: L maps [C, h, w] of one image, the finest first.
        boxes: [N, 4] xyxy in pixels of the network's input; N may be 0.
        strides: Pixels of the input for one step of each map, rising.
        output_size: Side of the grid that RoIAlign samples.
        finest_scale: Pixels; regions of less than twice this side are read from the first map.

    Returns:
        [N, C] of the maps' type, on their device; gradients flow into the maps.

    Raises:
        ValueError: Maps and strides do not fit, or boxes are not [N, 4] and finite.
    """
    if not maps or len(maps) != len(strides) or list(strides) != sorted(set(strides)):
        raise ValueError(
            f'Expected one rising stride for each of the {len(maps)} maps, got {list(strides)}.'
        )
    channels = {one.shape[0] for one in maps if one.ndim == 3}
    if len(channels) != 1 or any(one.ndim != 3 for one in maps):
        raise ValueError(
            'Maps must be [C, h, w] of one image, all with the same C, got '
            f'{[list(one.shape) for one in maps]}.'
        )
    boxes = boxes.to(maps[0])
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not bool(boxes.isfinite().all()):
        raise ValueError(f'boxes must be finite and [N, 4], got {list(boxes.shape)}.')
    tokens = maps[0].new_zeros(len(boxes), channels.pop())
    levels = _levels(boxes, len(maps), finest_scale)
    for level, (one, stride) in enumerate(zip(maps, strides, strict=True)):
        rows = (levels == level).nonzero(as_tuple=True)[0]
        if len(rows):
            pooled = roi_align(
                one[None], [boxes[rows]], output_size, 1 / stride, sampling_ratio=2, aligned=True
            )
            tokens = tokens.index_copy(0, rows, pooled.mean((2, 3)))
    return tokens


def _levels(boxes: Tensor, count: int, finest_scale: float) -> Tensor:
    sides = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=1e-6).sqrt()
    return (sides.log2() - log2(finest_scale)).floor().clamp(0, count - 1).long()
