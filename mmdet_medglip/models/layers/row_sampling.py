"""Weighted sums of a table's rows, multiplied by a matrix, in little memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ['sampled_product']

_CHUNK_BYTES = 2**23
"""Memory of the sums of one chunk: they are read at once, so they should stay in the cache."""
_BACKWARD_CHUNK_BYTES = 2**24
"""The backward pass adds a whole table of gradients per chunk, hence fewer and larger ones."""


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
    return _SampledProduct.apply(table, index, share, weight, bias)
