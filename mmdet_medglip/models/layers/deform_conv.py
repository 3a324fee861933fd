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

from .row_sampling import sampled_product

__all__ = ['DeformConv2d', 'Place', 'deform_conv_levels', 'modulated_deform_conv2d']


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
    stride: int,
    padding: int,
    dilation: int,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor, Tensor]:
    """Undisturbed positions (2, M, K) of all taps; sizes (2, M, 1); starts (M, 1)."""
    with torch.inference_mode(False), torch.no_grad():
        taps = torch.cartesian_prod(*(torch.arange(k, device=device) * dilation for k in kernel))
        position, size, start = [], [], []
        for place in places:
            grid = torch.cartesian_prod(*(torch.arange(n, device=device) for n in place.out))
            grid = grid.view(-1, 2) * stride - padding
            position.append(grid[:, None] + taps.view(-1, 2))
            size.append(torch.tensor(place.size, device=device).expand(len(grid), 2))
            start.append(torch.full((len(grid), 1), place.start, device=device))
        return (
            torch.cat(position).permute(2, 0, 1).to(dtype).contiguous(),
            torch.cat(size).t()[..., None].contiguous(),
            torch.cat(start),
        )


def _samples(
    offset: Tensor, mask: Tensor, lattice: tuple[Tensor, Tensor, Tensor], rows: int
) -> tuple[Tensor, Tensor]:
    """Rows to sum for every tap.

    Args:
        offset: (B, M, K, 2), y and x in pixels.
        mask: (B, M, K).
        lattice: See :func:`_lattice`.
        rows: Rows of an image in the table.

    Returns:
        Indices and shares of the four corners, (B, M, K, 4). A tap outside its map, or at no
        finite position, has shares of zero.
    """
    (base_y, base_x), (height, width), start = lattice
    y, x = base_y + offset[..., 0], base_x + offset[..., 1]
    # As mmcv has it: at exactly -1 a tap is outside, and passes no gradient to its offset.
    outside = ~((y > -1) & (x > -1) & (y < height) & (x < width))
    y, x = y.masked_fill(outside, 0), x.masked_fill(outside, 0)
    top, left = y.detach().floor(), x.detach().floor()
    down, right = y - top, x - left
    top, left = top.int(), left.int()
    mask = mask.masked_fill(outside, 0)
    upper = (1 - down).masked_fill(top < 0, 0) * mask
    lower = down.masked_fill(top + 1 >= height, 0) * mask
    before = (1 - right).masked_fill(left < 0, 0)
    after = right.masked_fill(left + 1 >= width, 0)
    share = torch.stack((upper * before, upper * after, lower * before, lower * after), dim=-1)
    first = torch.arange(len(offset), device=offset.device)[:, None, None] * rows + start
    bottom = first + torch.minimum(top + 1, height - 1) * width
    top = first + top.clamp(min=0) * width
    left, right = left.clamp(min=0), torch.minimum(left + 1, width - 1)
    index = torch.stack((top + left, top + right, bottom + left, bottom + right), dim=-1)
    return index, share


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
    stride: int = 1,
    padding: int = 1,
    dilation: int = 1,
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
    lattice = _lattice(tuple(places), kernel, stride, padding, dilation, dtype, table.device)
    index, share = _samples(offset.unflatten(2, (-1, 2)), mask, lattice, table.shape[1])
    with torch.autocast(table.device.type, enabled=False):
        out = sampled_product(
            table.reshape(-1, table.shape[-1]).to(dtype),
            index.flatten(0, 1),
            share.flatten(0, 1),
            weight.permute(0, 2, 3, 1).flatten(1).to(dtype),
            None if bias is None else bias.to(dtype),
        )
    return out.view(len(table), -1, len(weight)).to(given)


def _out_size(
    size: Sequence[int], kernel: Sequence[int], stride: int, padding: int, dilation: int
) -> tuple[int, int]:
    height, width = (
        (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1
        for n, k in zip(size, kernel, strict=True)
    )
    return height, width


def modulated_deform_conv2d(
    x: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
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
    out = _out_size(size, weight.shape[2:], stride, padding, dilation)
    rows = deform_conv_levels(
        x.flatten(2).transpose(1, 2),
        [Place(0, size, out)],
        [offset],
        [mask],
        weight,
        bias,
        stride,
        padding,
        dilation,
    )
    return rows.transpose(1, 2).unflatten(2, out)


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

    def out_size(self, size: Sequence[int]) -> tuple[int, int]:
        """Height and width of the output of a map of this height and width, in pixels."""
        return _out_size(size, self.weight.shape[2:], self.stride, self.padding, 1)
