"""Images and parts of prompts in turns, each of so many that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

__all__ = ['of_rows', 'turns']

_PLACES_AT_ONCE = {'cpu': 2**13, 'cuda': 2**17}
"""Places of the pyramid, over images and parts of prompts, that are fused in one batch: on a CPU a
larger one only leaves the cache."""


def turns(count: int, pyramid: Sequence[Tensor]) -> Iterator[range]:
    """Ranges of the ``count`` parts, one for each turn; a single one if there is a part an image.

    Args:
        count: Parts of prompts.
        pyramid: Maps (B, C, H_l, W_l) of the images.
    """
    places = sum(level.shape[-2:].numel() for level in pyramid)
    room = _PLACES_AT_ONCE.get(pyramid[0].device.type, _PLACES_AT_ONCE['cuda'])
    step = max(room // places, 1)
    if count == len(pyramid[0]):  # Nothing was split.
        step = count
    return (range(first, min(first + step, count)) for first in range(0, count, step))


def of_rows(levels: Sequence[Tensor], rows: list[int]) -> list[Tensor]:
    """Some images of a pyramid, in this order, perhaps several times; views where that will do."""
    if rows == list(range(len(levels[0]))):
        return list(levels)
    if len(set(rows)) == 1:
        return [level[rows[0]].expand(len(rows), *level.shape[1:]) for level in levels]
    index = torch.tensor(rows, device=levels[0].device)
    return [level[index] for level in levels]
