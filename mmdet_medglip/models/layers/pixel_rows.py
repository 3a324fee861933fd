"""Maps as rows of pixels and back, without leaving channels-last memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['maps_from_rows', 'rows_from_maps']


def rows_from_maps(maps: Sequence[Tensor]) -> Tensor:
    """Join maps (B, C, H_l, W_l) to one table of pixels (B, N, C), row by row, map after map."""
    return torch.cat([m.flatten(2).transpose(1, 2) for m in maps], dim=1)


def maps_from_rows(rows: Tensor, sizes: Sequence[Sequence[int]]) -> list[Tensor]:
    """Cut a table of pixels (B, N, C) into maps (B, C, H_l, W_l), channels last in memory.

    Args:
        rows: As :func:`rows_from_maps` returns them.
        sizes: Height and width of each map in pixels; their pixels add up to ``N``.
    """
    parts = rows.split([height * width for height, width in sizes], dim=1)
    # For one image the part may be a view whose stride over images hides how it lies in memory.
    return [
        part.reshape(-1, *size, part.shape[2]).contiguous().permute(0, 3, 1, 2)
        for part, size in zip(parts, sizes, strict=True)
    ]
