"""What a modality classifier looks at in one training step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmdet_medglip.routing import draw_foreign, random_views, spoil, stretch_contrast

from .thumbnail_memory import ThumbnailMemory

__all__ = ['foreign_batch', 'known_batch']

_SPOILED = 0.4
"""Share of the foreign images that is made of known ones."""
_MATERIAL = 16
"""Known images that these are made of."""


def known_batch(memory: ThumbnailMemory, count: int) -> tuple[Tensor, Tensor]:
    """Random views of remembered thumbnails, each class with the same probability.

    Returns:
        Images (count, 3, 64, 64), 0..255, and their classes (count,).
    """
    thumbnails, classes = memory.draw(count)
    return random_views(thumbnails.float()), classes


def foreign_batch(
    memory: ThumbnailMemory, count: int, modalities: Sequence[str], rng: np.random.Generator
) -> Tensor:
    """Foreign images, drawn or made of remembered thumbnails.

    Args:
        memory: Holds at least one thumbnail.
        count: Number of images.
        modalities: Name of each class of the memory.
        rng: Where chance comes from.

    Returns:
        (count, 3, 64, 64), 0..255, on the device of the memory.
    """
    thumbnails, classes = memory.draw(_MATERIAL)
    known = thumbnails.permute(0, 2, 3, 1).cpu().numpy()
    names = [modalities[index] for index in classes.tolist()]
    drawn = [
        spoil(known, names, rng) if rng.random() < _SPOILED else draw_foreign(rng)
        for _ in range(count)
    ]
    images = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2)
    return stretch_contrast(images.to(thumbnails.device).float())
