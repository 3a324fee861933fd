"""Bidirectional image-text attention, the fusion of GLIP."""

from __future__ import annotations

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn
from torch.nn import functional

__all__ = ['BiAttention']


class BiAttention(nn.Module):
    """Let pixels attend to tokens and tokens to pixels, over one matrix of weights.

    Both directions are residual with a learned scale per channel. Padded tokens are never attended
    to, so a prompt gives the same result at any padded length.

    Args:
        visual_channels: Channels of a pixel, ``C``.
        text_channels: Channels of a token, ``D``.
        embed_channels: Width of queries, keys and values over all heads.
        num_heads: Number of heads; divides ``embed_channels``.
        dropout: Dropout rate of the attention weights, in [0, 1).
        drop_path: Rate at which a residual branch is dropped for a sample, in [0, 1).
        layer_scale: Initial value of the residual scales.

    Raises:
        ValueError: ``embed_channels`` is not a multiple of ``num_heads``.

    Source:
        GLIP (arXiv 2112.03857), equations 4 to 6. Parameter shapes are those of MMDetection's
        ``BiAttentionBlock`` (mmdet/models/utils/vlfuse_helper.py, 3.3.0, Apache-2.0), so that its
        weights convert. Its clamps at +-50000 are left out: they act on no finite model we saw.
    """

    def __init__(
        self,
        visual_channels: int,
        text_channels: int,
        embed_channels: int = 2048,
        num_heads: int = 8,
        dropout: float = 0.1,
        drop_path: float = 0.0,
        layer_scale: float = 1.0 / 6.0,
    ) -> None:
        super().__init__()
        if embed_channels % num_heads:
            raise ValueError(
                f'BiAttention: embed_channels={embed_channels} is not a multiple of '
                f'num_heads={num_heads}.'
            )
        self.num_heads = num_heads
        self.scale = (embed_channels // num_heads) ** -0.5
        self.dropout = dropout
        self.norm_visual = nn.LayerNorm(visual_channels)
        self.norm_text = nn.LayerNorm(text_channels)
        self.query = nn.Linear(visual_channels, embed_channels)
        self.key = nn.Linear(text_channels, embed_channels)
        self.value_visual = nn.Linear(visual_channels, embed_channels)
        self.value_text = nn.Linear(text_channels, embed_channels)
        self.out_visual = nn.Linear(embed_channels, visual_channels)
        self.out_text = nn.Linear(embed_channels, text_channels)
        self.gamma_visual = nn.Parameter(torch.full((visual_channels,), layer_scale))
        self.gamma_text = nn.Parameter(torch.full((text_channels,), layer_scale))
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()
        for module in self.children():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def _heads(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        return x.view(batch, length, self.num_heads, -1).transpose(1, 2)

    @staticmethod
    def _merge(x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)

    def _drop(self, weights: Tensor) -> Tensor:
        return functional.dropout(weights, self.dropout, self.training)

    def forward(self, visual: Tensor, text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            visual: Pixels of all levels, (B, N, C).
            text: Tokens, (B, T, D).
            text_mask: bool (B, T), True = a real token, False = padding.

        Returns:
            Fused pixels (B, N, C) and tokens (B, T, D). Values at padded tokens mean nothing.
        """
        visual, text = self.norm_visual(visual), self.norm_text(text)
        query = self._heads(self.query(visual) * self.scale)
        logits = query @ self._heads(self.key(text)).transpose(-1, -2)
        hidden = ~text_mask[:, None, None, :]
        to_text = logits.masked_fill(hidden, torch.finfo(logits.dtype).min).softmax(-1)
        to_image = logits.transpose(-1, -2).softmax(-1)
        delta_visual = self._drop(to_text) @ self._heads(self.value_text(text))
        delta_text = self._drop(to_image) @ self._heads(self.value_visual(visual))
        delta_visual = self.out_visual(self._merge(delta_visual))
        delta_text = self.out_text(self._merge(delta_text))
        visual = visual + self.drop_path(self.gamma_visual * delta_visual)
        text = text + self.drop_path(self.gamma_text * delta_text)
        return visual, text
