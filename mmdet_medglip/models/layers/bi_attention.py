"""Bidirectional image-text attention, the fusion of GLIP."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn
from torch.nn import functional

__all__ = ['BiAttention', 'attend_both_ways', 'folding_pays']


def folding_pays(pixels: int, tokens: int, channels: int, width: int, heads: int) -> bool:
    """Whether the projections of pixels are cheaper on the side of the tokens.

    Counted in multiplications per image and product; three products are alike (logits, image
    update, text update), and what both orders share is left out. In the stock order each pixel is
    projected to ``width`` channels and meets every token there; folded, the tokens are projected
    to the channels of a pixel once a head and the pixels stay as they are.

    Args:
        pixels: Number of pixels ``N`` over all levels.
        tokens: Number of tokens ``T``.
        channels: Channels ``C`` of a pixel.
        width: Width ``E`` of queries, keys and values over all heads.
        heads: Number of heads ``H``.

    Example:
        >>> folding_pays(pixels=5456, tokens=12, channels=256, width=2048, heads=8)
        True
        >>> folding_pays(pixels=5456, tokens=256, channels=256, width=256, heads=8)
        False
    """
    stock = pixels * width * (channels + tokens)
    folded = tokens * channels * (pixels * heads + width)
    return folded <= stock


def _precise(x: Tensor) -> Tensor:
    """At least float32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _linear(x: Tensor, layer: nn.Linear) -> Tensor:
    return functional.linear(_precise(x), _precise(layer.weight), _precise(layer.bias))


def attend_both_ways(
    visual: Tensor,
    text: Tensor,
    text_mask: Tensor,
    projections: Sequence[nn.Linear],
    num_heads: int,
    dropout: float = 0.0,
    pixel_mask: Tensor | None = None,
    folded: bool | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Updates of pixels and tokens from each other, in the cheaper exact order of products.

    With queries, keys and values ``q = x Wq``, ``k``, ``vx = x Wx`` (pixels ``x``) and ``vt``
    (tokens), matrix products are associative, so every projection of thousands of pixels can be
    one of a dozen tokens::

        q k^T             = x (Wq k^T)
        softmax(.) vt Wo  = softmax(.) (vt Wo)
        softmax(.)^T x Wx = (softmax(.)^T x) Wx

    Biases follow: the key's meets the query's bias, and the value's bias is weighted by the sum of
    the attention weights, which is one but for dropout. Logits and softmax are computed in float32
    at least, whatever the precision of the rest, so that float16 neither overflows nor ties.

    Args:
        visual: Pixels (B, N, C).
        text: Tokens (B, T, D).
        text_mask: bool (B, T), True = a real token.
        projections: Query, key, value of pixels, value of tokens, output for pixels, output for
            tokens.
        num_heads: Number of heads; divides the width of the projections.
        dropout: Rate at which attention weights are dropped, in [0, 1).
        pixel_mask: bool (B, N), True = a pixel that tokens may attend to; None means all.
        folded: Order of products; None chooses by :func:`folding_pays`.

    Returns:
        Updates (B, N, C) and (B, T, D), without residual. Those of padded tokens mean nothing.
    """
    query, key, value_visual, value_text, out_visual, out_text = projections
    batch, tokens, _ = text.shape
    pixels, channels = visual.shape[1:]
    width = query.out_features
    if folded is None:
        folded = folding_pays(pixels, tokens, channels, width, num_heads)
    shape = (batch, -1, num_heads, width // num_heads)
    with torch.autocast(visual.device.type, enabled=False):
        keys = (_linear(text, key) * shape[-1] ** -0.5).view(shape).transpose(1, 2)
        if folded:
            weight = _precise(query.weight).view(num_heads, -1, channels)
            side = (keys @ weight).flatten(1, 2)
            logits = side @ _precise(visual).transpose(1, 2)
            bias = keys @ _precise(query.bias).view(num_heads, -1, 1)
            logits = logits.view(batch, num_heads, tokens, pixels) + bias
    if not folded:
        queries = query(visual).view(shape).transpose(1, 2)
        with torch.autocast(visual.device.type, enabled=False):
            logits = keys @ _precise(queries).transpose(-1, -2)
    lowest = torch.finfo(logits.dtype).min
    seen_by_text = logits
    if pixel_mask is not None:
        seen_by_text = logits.masked_fill(~pixel_mask[:, None, None], lowest)
    to_image = seen_by_text.softmax(-1)
    # Softmax keeps its result for the backward pass, not its input, which may be changed here.
    to_text = logits.masked_fill_(~text_mask[:, None, :, None], lowest).softmax(2)
    to_text, to_image = (
        functional.dropout(w, dropout).to(visual.dtype) if dropout else w.to(visual.dtype)
        for w in (to_text, to_image)
    )
    values = value_text(text).view(shape).transpose(1, 2)
    if folded:
        weight = out_visual.weight.view(channels, num_heads, -1).permute(1, 2, 0)
        side = (values @ weight.to(values.dtype)).flatten(1, 2)
        image = to_text.flatten(1, 2).transpose(1, 2) @ side + out_visual.bias
        pooled = (to_image.flatten(1, 2) @ visual).view(batch, num_heads, tokens, channels)
        weight = value_visual.weight.view(num_heads, -1, channels).transpose(1, 2)
        seen = pooled @ weight.to(pooled.dtype)
        share = to_image.sum(-1, keepdim=True) if dropout else 1
        seen = seen + share * value_visual.bias.view(num_heads, 1, -1)
    else:
        image = out_visual((to_text.transpose(-1, -2) @ values).transpose(1, 2).flatten(2))
        seen = to_image @ value_visual(visual).view(shape).transpose(1, 2)
    return image, out_text(seen.transpose(1, 2).flatten(2))


class BiAttention(nn.Module):
    """Let pixels attend to tokens and tokens to pixels, over one matrix of weights.

    Both directions are residual with a learned scale per channel. Padded tokens are never attended
    to, so a prompt gives the same result at any padded length. The products are taken in the order
    that costs least at the given shape, see :func:`attend_both_ways`.

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

    @property
    def projections(self) -> tuple[nn.Linear, ...]:
        """The linear layers, in the order of :func:`attend_both_ways`."""
        return (
            self.query,
            self.key,
            self.value_visual,
            self.value_text,
            self.out_visual,
            self.out_text,
        )

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
        dropout = self.dropout if self.training else 0.0
        image, seen = attend_both_ways(
            visual, text, text_mask, self.projections, self.num_heads, dropout
        )
        return self._add(visual, image, self.gamma_visual), self._add(text, seen, self.gamma_text)

    def _add(self, x: Tensor, delta: Tensor, gamma: Tensor) -> Tensor:
        return x + self.drop_path(gamma * delta)
