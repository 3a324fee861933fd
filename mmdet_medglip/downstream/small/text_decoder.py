"""A small transformer that answers requests about an image, word by word."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .text_decoder_layer import TextDecoderLayer

__all__ = ['DecoderMemory', 'TextDecoder']


@dataclass(frozen=True)
class DecoderMemory:
    """What is known of a batch of images, ready to be looked at.

    Attributes:
        keys: For each layer keys and values, each (B, heads, M, channels / heads).
        mask: bool (B, M), True = a token.
    """

    keys: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor


class TextDecoder(nn.Module):
    """Predict the words of answers from requests and images.

    All requests of an image share its memory. The tokens of a request see each other; a word of the
    answer sees the request and the words before it.

    Args:
        num_words: Number of words.
        channels: Width of the tokens.
        num_layers: Layers, at least 1.
        num_heads: Heads of attention.
        max_words: Most words of an answer.
        dropout: Of each layer.
    """

    def __init__(
        self,
        num_words: int,
        channels: int,
        num_layers: int = 3,
        num_heads: int = 4,
        max_words: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(num_words, channels)
        self.places = nn.Parameter(torch.zeros(max_words + 1, channels))
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.places, std=0.02)
        self.layers = nn.ModuleList(
            TextDecoderLayer(channels, num_heads, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)
        self.bias = nn.Parameter(torch.zeros(num_words))
        self.max_words = max_words

    def remember(self, memory: Tensor, mask: Tensor) -> DecoderMemory:
        """Prepare what is known of images.

        Args:
            memory: (B, M, channels).
            mask: bool (B, M), True = a token; each image has one at least.
        """
        return DecoderMemory(tuple(layer.remember(memory) for layer in self.layers), mask)

    def forward(
        self, request: Tensor, request_mask: Tensor, words: Tensor, memory: DecoderMemory
    ) -> Tensor:
        """Score the word that follows each word.

        Args:
            request: (B, R, T, channels), R requests of each of B images.
            request_mask: bool (B, R, T), True = a token.
            words: int64 (B, R, W) numbers of words, the first is ``start``; padding at the end.
            memory: Of the images.

        Returns:
            Logits (B, R, W, num_words).
        """
        count = words.shape[-1]
        told = self.words(words) + self.places[:count]
        tokens = torch.cat([request, told], 2)
        mask = _prefix_mask(request_mask, count)
        for layer, keys in zip(self.layers, memory.keys, strict=True):
            tokens = layer(tokens, mask, keys, memory.mask)
        return F.linear(self.norm(tokens[:, :, -count:]), self.words.weight, self.bias)

    @torch.no_grad()
    def generate(
        self, request: Tensor, request_mask: Tensor, memory: DecoderMemory, start: int, end: int
    ) -> Tensor:
        """Say the likeliest word after word, until all answers have ended.

        Args:
            request: (B, R, T, channels).
            request_mask: bool (B, R, T).
            memory: Of the images.
            start: Number of the first word.
            end: Number of the word that ends an answer.

        Returns:
            int64 (B, R, W), W at most ``max_words``, without ``start``; what follows ``end`` means
            nothing.
        """
        words = torch.full((*request.shape[:2], 1), start, device=request.device)
        ended = torch.zeros_like(words[..., 0], dtype=torch.bool)
        for _ in range(self.max_words):
            best = self(request, request_mask, words, memory)[:, :, -1].argmax(-1)
            words = torch.cat([words, best[..., None]], 2)
            ended |= best == end
            if ended.all():
                break
        return words[..., 1:]


def _prefix_mask(request_mask: Tensor, count: int) -> Tensor:
    """Say what sees what: bool (B, R, T + count, T + count), True = seen."""
    length = request_mask.shape[-1] + count
    own = torch.ones(length, length, dtype=torch.bool, device=request_mask.device).tril()
    own[:, : request_mask.shape[-1]] = True
    present = F.pad(request_mask, (0, count), value=True)
    return own & present[..., None, :]
