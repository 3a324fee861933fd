"""The deformable convolutions of a dynamic head, each kernel over all levels at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from torch import Tensor

from .deform_conv import Place, deform_conv_levels, out_size
from .pixel_rows import maps_from_rows, rows_from_maps

__all__ = ['Kernel', 'pyramid_deform_conv']


class Kernel(Protocol):
    """What a convolution module has: weight (O, C, 3, 3), bias, stride and padding in pixels."""

    weight: Tensor
    bias: Tensor | None
    stride: int | tuple[int, int]
    padding: int | tuple[int, int]


def pyramid_deform_conv(
    features: Sequence[Tensor],
    sampling: Sequence[tuple[Tensor, Tensor]],
    from_same: Kernel,
    from_finer: Kernel,
    from_coarser: Kernel,
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Convolve each level, the finer one and the coarser one, at the offsets of the level.

    Args:
        features: ``L`` maps (B, C, H_l, W_l), fine to coarse.
        sampling: Offsets (B, 18, H_l, W_l) in pixels and modulation (B, 9, H_l, W_l) of each level.
        from_same: Kernel for a level itself.
        from_finer: Kernel for the level before it, of stride 2.
        from_coarser: Kernel for the level after it; its output is smaller than the offset map,
            whose first values in memory order then count, as in mmcv.

    Returns:
        Maps (B, O, H, W): ``L`` of the levels themselves, ``L - 1`` made of a finer level, for the
        levels from the second on, and ``L - 1`` made of a coarser level, for all but the last, in
        the coarser level's size.
    """
    table = rows_from_maps(features)
    first = [0, *accumulate(f.shape[2] * f.shape[3] for f in features)]

    def convolve(kernel: Kernel, levels: range, offsets_of: range) -> list[Tensor]:
        if not levels:
            return []
        size = [(features[level].shape[2], features[level].shape[3]) for level in levels]
        out = [out_size(s, kernel.weight.shape[2:], kernel.stride, kernel.padding) for s in size]
        places = [Place(first[n], s, o) for n, s, o in zip(levels, size, out, strict=True)]
        offsets, masks = zip(*(sampling[level] for level in offsets_of), strict=True)
        rows = deform_conv_levels(
            table,
            places,
            offsets,
            masks,
            kernel.weight,
            kernel.bias,
            kernel.stride,
            kernel.padding,
        )
        return maps_from_rows(rows, out)

    last = len(features)
    return (
        convolve(from_same, range(last), range(last)),
        convolve(from_finer, range(last - 1), range(1, last)),
        convolve(from_coarser, range(1, last), range(last - 1)),
    )
