"""Modulated deformable convolution as a weighted gather and one matrix product.

A bilinear sample of all channels is a weighted sum of four rows of the map in channels-last order,
so the samples of every tap and place are one ``embedding_bag`` over the rows, and the convolution
is one product of them with the kernel. Several maps may lie in one table of rows: convolutions of
all pyramid levels by the same kernel are then one gather and one product.

Source:
    Deformable ConvNets v2 (arXiv 1811.11168), equation 2. Values and gradients are those of mmcv's
    ``modulated_deform_conv2d`` (mmcv/ops/modulated_deform_conv.py, 2.1.0, Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .pixel_rows import maps_from_rows, rows_from_maps
from .row_sampling import bilinear_corners, sampled_product

__all__ = ['DeformConv2d', 'Place', 'deform_conv_levels', 'modulated_deform_conv2d', 'out_size']

Pixels = int | tuple[int, int]
"""A number of pixels, or one for the height and one for the width."""


def _pair(pixels: Pixels) -> tuple[int, int]:
    return (pixels, pixels) if isinstance(pixels, int) else tuple(pixels)


class Place(NamedTuple):
    """Where the map of one convolution lies in the table, and the size of its output.

    Attributes:
        start: First row of the map.
        size: Height and width of the map in pixels.
        out: Height and width of the output in pixels.
    """

    start: int
    size: tuple[int, int]
    out: tuple[int, int]


@lru_cache(maxsize=256)
def _lattice(
    places: tuple[Place, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor, Tensor]:
    """Undisturbed positions (2, M, K) of all taps; sizes (2, M, 1); starts (M, 1)."""
    with torch.inference_mode(False), torch.no_grad():
        taps = torch.cartesian_prod(
            *(torch.arange(k, device=device) * d for k, d in zip(kernel, dilation, strict=True))
        )
        step, border = (torch.tensor(pair, device=device) for pair in (stride, padding))
        position, size, start = [], [], []
        for place in places:
            grid = torch.cartesian_prod(*(torch.arange(n, device=device) for n in place.out))
            grid = grid.view(-1, 2) * step - border
            position.append(grid[:, None] + taps.view(-1, 2))
            size.append(torch.tensor(place.size, device=device).expand(len(grid), 2))
            start.append(torch.full((len(grid), 1), place.start, device=device))
        return (
            torch.cat(position).permute(2, 0, 1).to(dtype).contiguous(),
            torch.cat(size).t()[..., None].contiguous(),
            torch.cat(start),
        )


def _first_values(maps: Tensor, pixels: int) -> Tensor:
    """The first values of each map in memory order, as if they were one of ``pixels`` pixels.

    Args:
        maps: (B, C, H, W) with ``H * W >= pixels``.
        pixels: Number of pixels of the output.

    Returns:
        (B, pixels, C).
    """
    batch, channels = maps.shape[:2]
    if maps[0, 0].numel() == pixels:
        return maps.flatten(2).transpose(1, 2)
    return maps.flatten(1)[:, : channels * pixels].view(batch, channels, pixels).transpose(1, 2)


def deform_conv_levels(
    table: Tensor,
    places: Sequence[Place],
    offsets: Sequence[Tensor],
    masks: Sequence[Tensor],
    weight: Tensor,
    bias: Tensor | None,
    stride: Pixels = 1,
    padding: Pixels = 1,
    dilation: Pixels = 1,
) -> Tensor:
    """Convolve several maps by one kernel.

    Args:
        table: Pixels of all maps, (B, R, C).
        places: Where each of the ``L`` maps lies in the table.
        offsets: ``L`` maps (B, 2 K, H, W), for each tap y and x in pixels, in the kernel's order.
            A map larger than the output gives its first values in memory order, as in mmcv.
        masks: ``L`` maps (B, K, H, W), the factor of each tap; larger ones as for ``offsets``.
        weight: Kernel (O, C, Kh, Kw).
        bias: (O,) or None.
        stride: In pixels.
        padding: In pixels.
        dilation: In pixels.

    Returns:
        Pixels of all outputs in the order of ``places``, (B, M, O), of the offsets' type; computed
        in float32 at least.

    Raises:
        ValueError: Offsets or masks are smaller than their output.
    """
    kernel = (weight.shape[2], weight.shape[3])
    counts = [place.out[0] * place.out[1] for place in places]
    for name, maps, channels in (('offsets', offsets, 2), ('masks', masks, 1)):
        for count, values in zip(counts, maps, strict=True):
            expected = channels * kernel[0] * kernel[1]
            if values.shape[1] != expected or values.shape[2:].numel() < count:
                raise ValueError(
                    f'deform_conv: {name} of shape {tuple(values.shape)} cannot serve an output '
                    f'of {count} pixels; expected {expected} channels of at least as many pixels.'
                )
    given = offsets[0].dtype
    dtype = torch.promote_types(torch.promote_types(table.dtype, given), torch.float32)
    offset = torch.cat([_first_values(o, n) for o, n in zip(offsets, counts, strict=True)], dim=1)
    mask = torch.cat([_first_values(m, n) for m, n in zip(masks, counts, strict=True)], dim=1)
    offset, mask = offset.to(dtype), mask.to(dtype)
    lattice = _lattice(
        tuple(places),
        kernel,
        _pair(stride),
        _pair(padding),
        _pair(dilation),
        dtype,
        table.device,
    )
    (base_y, base_x), size, start = lattice
    y, x = offset.unflatten(2, (-1, 2)).unbind(-1)
    rows = torch.arange(len(table), device=table.device)[:, None, None] * table.shape[1]
    index, share = bilinear_corners(base_y + y, base_x + x, size, rows + start, mask)
    with torch.autocast(table.device.type, enabled=False):
        out = sampled_product(
            table.reshape(-1, table.shape[-1]).to(dtype),
            index.flatten(0, 1),
            share.flatten(0, 1),
            weight.permute(0, 2, 3, 1).flatten(1).to(dtype),
            None if bias is None else bias.to(dtype),
        )
    return out.view(len(table), -1, len(weight)).to(given)


def out_size(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Pixels = 1,
    padding: Pixels = 0,
    dilation: Pixels = 1,
) -> tuple[int, int]:
    """Height and width of the output of a convolution; all arguments in pixels."""
    height, width = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(
            size, kernel, _pair(stride), _pair(padding), _pair(dilation), strict=True
        )
    )
    return height, width


def modulated_deform_conv2d(
    x: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pixels = 1,
    padding: Pixels = 0,
    dilation: Pixels = 1,
) -> Tensor:
    """Convolve one map; arguments and result as in mmcv's function of this name, without groups.

    Args:
        x: (B, C, H, W) in any memory format.
        offset: (B, 2 K, Ho, Wo), see :func:`deform_conv_levels`.
        mask: (B, K, Ho, Wo).
        weight: (O, C, Kh, Kw).
        bias: (O,) or None.
        stride: In pixels.
        padding: In pixels.
        dilation: In pixels.

    Returns:
        (B, O, Ho, Wo), channels-last in memory.

    Raises:
        ValueError: Offsets or masks are smaller than the output.
    """
    size = (x.shape[2], x.shape[3])
    out = out_size(size, weight.shape[2:], stride, padding, dilation)
    rows = deform_conv_levels(
        rows_from_maps([x]),
        [Place(0, size, out)],
        [offset],
        [mask],
        weight,
        bias,
        stride,
        padding,
        dilation,
    )
    return maps_from_rows(rows, [out])[0]


class DeformConv2d(nn.Module):
    """Modulated deformable convolution, mmcv's kernel on a GPU and a gather elsewhere.

    Args:
        in_channels: Channels ``C`` of the input.
        out_channels: Channels ``O`` of the output.
        kernel_size: Height and width of the kernel in pixels.
        stride: In pixels.
        padding: In pixels.
        bias: Add a bias.

    Source:
        Parameters are those of mmcv's ``ModulatedDeformConv2d``, and begin as there.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        bound = (in_channels * kernel_size**2) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """Convolve; shapes as in :func:`modulated_deform_conv2d`."""
        if x.is_cuda:
            from mmcv.ops import modulated_deform_conv2d as kernel

            # mmcv's kernel reads memory as if it were (B, C, H, W) in that order.
            x, offset, mask = x.contiguous(), offset.contiguous(), mask.contiguous()
            return kernel(x, offset, mask, self.weight, self.bias, self.stride, self.padding)
        return modulated_deform_conv2d(
            x, offset, mask, self.weight, self.bias, self.stride, self.padding
        )
