"""What the language model hands to neck and head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

__all__ = ['TextFeatures']


@dataclass(frozen=True)
class TextFeatures:
    """Token features of a batch of prompts, padded to the longest one.

    Attributes:
        hidden: Token features, float (B, T, D).
        mask: bool (B, T), True = a real token (special tokens included), False = padding, which
            comes last.
        token_maps: For each prompt bool (P_i, T): which tokens each of its phrases owns.
    """

    hidden: Tensor
    mask: Tensor
    token_maps: tuple[Tensor, ...]

    @cached_property
    def lengths(self) -> list[int]:
        """Number of real tokens of each prompt."""
        return self.mask.sum(1).tolist()

    def with_hidden(self, hidden: Tensor) -> TextFeatures:
        """The same prompts with other token features."""
        return replace(self, hidden=hidden)

    def shares(self) -> tuple[Tensor, ...]:
        """What each token adds to the score of a phrase, (P_i, T): the mean over its tokens."""
        return tuple(owned.float() / owned.sum(1, keepdim=True) for owned in self.token_maps)

    def of_rows(self, rows: Sequence[int]) -> TextFeatures:
        """Some of the prompts, padded to the longest of them."""
        index = torch.tensor(rows, device=self.hidden.device)
        length = max(self.lengths[row] for row in rows)
        return TextFeatures(
            self.hidden[index, :length],
            self.mask[index, :length],
            tuple(self.token_maps[row][:, :length] for row in rows),
        )

    def __len__(self) -> int:
        return len(self.hidden)
