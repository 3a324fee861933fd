"""Bilinear samples of maps as weighted sums of a table's rows.

A table holds the pixels of one or more maps, channels last: a sample of all channels at once is a
sum of four rows, which ``embedding_bag`` forms for any number of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ['bilinear_corners', 'sampled_product']

_CHUNK_BYTES = 2**23
"""Memory of the sums of one chunk: they are read at once, so they should stay in the cache."""
_BACKWARD_CHUNK_BYTES = 2**24
"""The backward pass adds a whole table of gradients per chunk, hence fewer and larger ones."""


def bilinear_corners(
    y: Tensor, x: Tensor, size: Sequence[Tensor], first: Tensor, factor: Tensor
) -> tuple[Tensor, Tensor]:
    """Rows of the four pixels around each position, and what each contributes to its sample.

    Args:
        y: Positions in pixels of their map, 0 at the centre of the first row; any shape.
        x: Likewise, 0 at the centre of the first column.
        size: Heights and widths of the maps in pixels, integers broadcastable to ``y``.
        first: Row of the table that holds the first pixel of the map, broadcastable to ``y``.
        factor: What the sample is multiplied by, of the shape of ``y``.

    Returns:
        Rows, integers, and shares, both of the shape of ``y`` with four corners last. Pixels
        outside of the map count as zero; a position a pixel or more outside, or at no finite
        place, has shares of zero, and passes no gradient.
    """
    height, width = size
    # As mmcv and grid_sample have it: at exactly -1 a position is outside.
    outside = ~((y > -1) & (x > -1) & (y < height) & (x < width))
    y, x = y.masked_fill(outside, 0), x.masked_fill(outside, 0)
    top, left = y.detach().floor(), x.detach().floor()
    down, right = y - top, x - left
    top, left = top.int(), left.int()
    factor = factor.masked_fill(outside, 0)
    upper = (1 - down).masked_fill(top < 0, 0) * factor
    lower = down.masked_fill(top + 1 >= height, 0) * factor
    before = (1 - right).masked_fill(left < 0, 0)
    after = right.masked_fill(left + 1 >= width, 0)
    share = torch.stack((upper * before, upper * after, lower * before, lower * after), dim=-1)
    bottom = first + torch.minimum(top + 1, height - 1) * width
    top = first + top.clamp(min=0) * width
    left, right = left.clamp(min=0), torch.minimum(left + 1, width - 1)
    index = torch.stack((top + left, top + right, bottom + left, bottom + right), dim=-1)
    return index, share


def _sums(table: Tensor, index: Tensor, share: Tensor) -> Tensor:
    """(m, K * C) of a table (R, C), indices and shares (m, K, J)."""
    bags = functional.embedding_bag(
        index.flatten(0, 1), table, mode='sum', per_sample_weights=share.flatten(0, 1)
    )
    return bags.view(len(index), -1)


def _chunk(weight: Tensor, budget: int) -> int:
    return max(1, budget // (weight.shape[1] * weight.element_size()))


class _SampledProduct(torch.autograd.Function):
    """Saves its inputs alone; the sums are formed again for the gradients."""

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, index: Tensor, share: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(table, index, share, weight)
        ctx.with_bias = bias is not None
        return _forward(table, index, share, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        table, index, share, weight = ctx.saved_tensors
        needs_table, _, needs_share, needs_weight, needs_bias = ctx.needs_input_grad
        grad = grad.contiguous()
        grad_table = torch.zeros_like(table) if needs_table else None
        grad_weight = torch.zeros_like(weight) if needs_weight else None
        shares = []
        step = _chunk(weight, _BACKWARD_CHUNK_BYTES)
        source = table.detach().requires_grad_(needs_table)
        for begin in range(0, len(index), step):
            part = slice(begin, begin + step)
            factor = share[part].detach().requires_grad_(needs_share)
            with torch.enable_grad():
                sums = _sums(source, index[part], factor)
            if grad_weight is not None:
                grad_weight.addmm_(grad[part].t(), sums.detach())
            wanted = [x for x in (source, factor) if x.requires_grad]
            if wanted:
                found = list(torch.autograd.grad(sums, wanted, grad[part] @ weight))
                if needs_share:
                    shares.append(found.pop())
                if grad_table is not None:
                    grad_table += found.pop()
        grad_share = torch.cat(shares) if needs_share else None
        grad_bias = grad.sum(0) if ctx.with_bias and needs_bias else None
        return grad_table, None, grad_share, grad_weight, grad_bias


def _forward(
    table: Tensor, index: Tensor, share: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    step = _chunk(weight, _CHUNK_BYTES)
    out = table.new_empty(len(index), len(weight))
    for begin in range(0, len(index), step):
        part = slice(begin, begin + step)
        sums = _sums(table, index[part], share[part])
        if bias is None:
            torch.mm(sums, weight.t(), out=out[part])
        else:
            torch.addmm(bias, sums, weight.t(), out=out[part])
    return out


def sampled_product(
    table: Tensor, index: Tensor, share: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """``out[m] = weight @ concat_k(sum_j share[m, k, j] table[index[m, k, j]]) + bias``.

    Done chunk by chunk, so that the sums, ``K`` times as large as the table, never exist at once;
    the backward pass forms them again.

    Args:
        table: (R, C).
        index: Rows, int32 or int64 (M, K, J) in [0, R).
        share: (M, K, J).
        weight: (O, K * C).
        bias: (O,) or None.

    Returns:
        (M, O), differentiable once in all but ``index``.

    Example:
        >>> table = torch.tensor([[1.0], [10.0]])
        >>> index, share = torch.tensor([[[0, 1]]]), torch.tensor([[[0.5, 0.25]]])
        >>> sampled_product(table, index, share, torch.ones(1, 1), None)
        tensor([[3.]])
    """
    # embedding_bag reads rows ten times as fast where they are contiguous.
    return _SampledProduct.apply(table.contiguous(), index, share, weight, bias)
