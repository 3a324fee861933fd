"""Multi-scale deformable attention as one weighted gather."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional

from .row_sampling import bilinear_corners

__all__ = ['sampled_attention']


def sampled_attention(
    value: Tensor, sizes: Sequence[tuple[int, int]], locations: Tensor, weights: Tensor
) -> Tensor:
    """Sum samples of several maps, each head at its own places.

    Args:
        value: Pixels of all maps, (B, S, H, D) with ``H`` heads.
        sizes: Height and width of each of the ``L`` maps, in the order of ``value``; their pixels
            add up to ``S``.
        locations: Where each of ``Q`` queries looks, (B, Q, H, L, P, 2), x and y as shares of the
            map's width and height; outside of [0, 1] there is nothing.
        weights: What a sample counts, (B, Q, H, L, P).

    Returns:
        (B, Q, H * D).

    Raises:
        ValueError: The maps have another number of pixels than ``value``.

    Source:
        Deformable DETR (arXiv 2010.04159), equation 3. Values and gradients are those of mmcv's
        ``multi_scale_deformable_attn_pytorch`` (mmcv/ops/multi_scale_deform_attn.py, 2.1.0,
        Apache-2.0).
    """
    batch, pixels, heads, width = value.shape
    queries = locations.shape[1]
    counts = [height * across for height, across in sizes]
    if sum(counts) != pixels:
        raise ValueError(
            f'sampled_attention: maps of sizes {list(sizes)} have {sum(counts)} pixels, but value '
            f'has {pixels}.'
        )
    device = value.device
    size = torch.tensor(list(sizes), device=device)[:, :, None].unbind(1)
    start = torch.tensor([0, *accumulate(counts[:-1])], device=device)[:, None]
    image = torch.arange(batch, device=device)[:, None, None, None, None] * pixels
    x, y = (locations[..., axis] * extent - 0.5 for axis, extent in enumerate((size[1], size[0])))
    index, share = bilinear_corners(y, x, size, image + start, weights)
    head = torch.arange(heads, device=device)[:, None, None, None]
    rows = functional.embedding_bag(
        (index * heads + head).view(batch * queries * heads, -1),
        value.reshape(-1, width).contiguous(),
        mode='sum',
        per_sample_weights=share.view(batch * queries * heads, -1).to(value.dtype),
    )
    return rows.view(batch, queries, heads * width)
