"""Thumbnails seen in training, as many of each modality."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['ThumbnailMemory']


class ThumbnailMemory:
    """A sample by chance of what was seen of each modality.

    Batches of a router hold one modality, and a classifier that sees one class at a time learns
    the last one. Drawing from a memory gives it all in equal parts. It is never saved: its content
    is patients' images.

    Args:
        capacity: Most thumbnails kept of each modality.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f'ThumbnailMemory: capacity must be 1 or more, got {capacity!r}.')
        self.capacity = capacity
        self._kept: dict[int, list[Tensor]] = {}
        self._seen: dict[int, int] = {}

    @property
    def classes(self) -> list[int]:
        """Classes seen so far, in increasing order."""
        return sorted(self._kept)

    def add(self, thumbnails: Tensor, classes: Sequence[int]) -> None:
        """Show thumbnails (B, 3, S, S), uint8, of these classes; each may be kept.

        Every thumbnail of a class is kept with the same probability (reservoir sampling).
        """
        for thumbnail, name in zip(thumbnails, classes, strict=True):
            kept = self._kept.setdefault(name, [])
            self._seen[name] = seen = self._seen.get(name, 0) + 1
            if len(kept) < self.capacity:
                kept.append(thumbnail.clone())
                continue
            place = int(torch.randint(seen, ()))
            if place < self.capacity:
                kept[place] = thumbnail.clone()

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw with replacement, each class with the same probability.

        Returns:
            Thumbnails (count, 3, S, S) and their classes (count,), on the thumbnails' device.
        """
        classes = self.classes
        drawn = [classes[i] for i in torch.randint(len(classes), (count,)).tolist()]
        picked = [self._kept[c][int(torch.randint(len(self._kept[c]), ()))] for c in drawn]
        return torch.stack(picked), torch.tensor(drawn, device=picked[0].device)

    def all(self) -> tuple[Tensor, Tensor]:
        """All that is kept: thumbnails (N, 3, S, S) and their classes (N,)."""
        picked = [thumbnail for c in self.classes for thumbnail in self._kept[c]]
        of = [c for c in self.classes for _ in self._kept[c]]
        return torch.stack(picked), torch.tensor(of, device=picked[0].device)
