"""What the language model hands to neck and head."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

__all__ = ['TextFeatures']


@dataclass(frozen=True)
class TextFeatures:
    """Token features of a batch of prompts, padded to the longest one.

    Attributes:
        hidden: Token features, float (B, T, D).
        mask: bool (B, T), True = a real token (special tokens included), False = padding.
        token_maps: For each prompt bool (P_i, T): which tokens each of its phrases owns.
    """

    hidden: Tensor
    mask: Tensor
    token_maps: tuple[Tensor, ...]

    def with_hidden(self, hidden: Tensor) -> TextFeatures:
        """The same prompts with other token features."""
        return replace(self, hidden=hidden)

    def __len__(self) -> int:
        return len(self.hidden)
