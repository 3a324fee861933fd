"""One layer of a text decoder whose requests share an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ['TextDecoderLayer']


class TextDecoderLayer(nn.Module):
    """Attention of a text to itself, attention to the image, and a feed-forward net.

    Norms come first. Keys and values of the image are made once, however many requests and steps
    look at them. Queries and keys begin equal: a word looks at first at what is like it, so that a
    request finds the regions that it names before it has learned to.

    Args:
        channels: Width, a multiple of ``num_heads``.
        num_heads: Heads.
        dropout: Of each part's output.
    """

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.own_norm = nn.LayerNorm(channels)
        self.own_in = nn.Linear(channels, 3 * channels)
        self.own_out = nn.Linear(channels, channels)
        self.image_norm = nn.LayerNorm(channels)
        self.image_query = nn.Linear(channels, channels)
        self.image_in = nn.Linear(channels, 2 * channels)
        self.image_out = nn.Linear(channels, channels)
        self.feed = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self.image_in.weight[:channels] = self.image_query.weight
            self.image_in.bias[:channels] = self.image_query.bias

    def remember(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values, each (B, heads, M, width), of tokens (B, M, channels)."""
        key, value = self.image_in(memory).chunk(2, -1)
        return self._split(key), self._split(value)

    def forward(
        self, tokens: Tensor, mask: Tensor, image: tuple[Tensor, Tensor], seen: Tensor
    ) -> Tensor:
        """Run the layer.

        Args:
            tokens: (B, R, L, channels), R texts of each of B images.
            mask: bool (B, R, L, L), True = seen.
            image: Of :meth:`remember`.
            seen: bool (B, M), True = a token.

        Returns:
            (B, R, L, channels).
        """
        batch, texts, length, channels = tokens.shape
        flat = tokens.reshape(batch * texts, length, channels)
        query, key, value = (
            self._split(part) for part in self.own_in(self.own_norm(flat)).chunk(3, -1)
        )
        allowed = mask.reshape(batch * texts, 1, length, length)
        own = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        flat = flat + self.dropout(self.own_out(_join(own)))
        # All texts of an image in one row: its keys are read once.
        row = flat.reshape(batch, texts * length, channels)
        query = self._split(self.image_query(self.image_norm(row)))
        found = F.scaled_dot_product_attention(query, *image, attn_mask=seen[:, None, None])
        row = row + self.dropout(self.image_out(_join(found)))
        row = row + self.dropout(self.feed(row))
        return row.reshape(batch, texts, length, channels)

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def _join(heads: Tensor) -> Tensor:
    return heads.transpose(1, 2).flatten(2)
