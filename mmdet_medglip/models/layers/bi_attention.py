"""Bidirectional image-text attention, the fusion of GLIP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


_WHOLE_BYTES, _BLOCK_BYTES = 2**26, 2**21
"""Memory of logits from which on they are computed by blocks, and of a block, to fit a cache."""


def attend_both_ways(
    visual: Tensor,
    text: Tensor,
    text_mask: Tensor | None,
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

    Without gradients a CPU takes the folded order block by block of pixels where logits, ``H T``
    for each pixel, would be large.

    Args:
        visual: Pixels (B, N, C).
        text: Tokens (B, T, D).
        text_mask: bool (B, T), True = a token that pixels may attend to; None means all.
        projections: Query, key, value of pixels, value of tokens, output for pixels, output for
            tokens.
        num_heads: Number of heads; divides the width of the projections.
        dropout: Rate at which attention weights are dropped, in [0, 1).
        pixel_mask: bool (B, N), True = a pixel that tokens may attend to; None means all.
        folded: Order of products; None chooses by :func:`folding_pays`.

    Returns:
        Updates (B, N, C) and (B, T, D), without residual. Those of masked tokens mean nothing.
    """
    query = projections[0]
    channels = visual.shape[2]
    if folded is None:
        counts = (visual.shape[1], text.shape[1], channels, query.out_features, num_heads)
        folded = folding_pays(*counts)
    if not folded:
        return _stock_order(visual, text, text_mask, projections, num_heads, dropout, pixel_mask)
    tokens = _fold(text, projections, num_heads, channels)
    if _by_block(visual, tokens) and not dropout:
        return _folded_by_block(visual, tokens, text_mask, projections, pixel_mask)
    return _folded_at_once(visual, tokens, text_mask, projections, dropout, pixel_mask)


class _Folded(NamedTuple):
    """Tokens with the projections of pixels, each (B, H, T, C).

    Attributes:
        key: Meets pixels in place of their queries, float32 at least.
        bias: What the query's bias adds to the logits, (B, H, T, 1).
        value: What a pixel gets from a token.
    """

    key: Tensor
    bias: Tensor
    value: Tensor


def _by_block(visual: Tensor, tokens: _Folded) -> bool:
    """Whether logits are large, on a CPU, and wanted for no gradient and no traced graph."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or visual.device.type != 'cpu':
        return False
    return visual.shape[1] * tokens.bias.numel() * tokens.bias.element_size() > _WHOLE_BYTES


def _split(x: Tensor, num_heads: int) -> Tensor:
    """(B, L, E) to (B, H, L, E / H)."""
    return x.unflatten(2, (num_heads, -1)).transpose(1, 2)


def _keys(text: Tensor, key: nn.Linear, num_heads: int) -> Tensor:
    """Scaled keys (B, H, T, E / H), in float32 at least."""
    return _split(_linear(text, key) * (key.out_features // num_heads) ** -0.5, num_heads)


def _fold(text: Tensor, projections: Sequence[nn.Linear], num_heads: int, channels: int) -> _Folded:
    query, key, _, value_text, out_visual, _ = projections
    with torch.autocast(text.device.type, enabled=False):
        keys = _keys(text, key, num_heads)
        folded_keys = keys @ _precise(query.weight).view(num_heads, -1, channels)
        bias = keys @ _precise(query.bias).view(num_heads, -1, 1)
    values = _split(value_text(text), num_heads)
    weight = out_visual.weight.view(channels, num_heads, -1).permute(1, 2, 0)
    return _Folded(folded_keys, bias, values @ weight.to(values.dtype))


def _tokens_update(
    pooled: Tensor, share: Tensor | float, projections: Sequence[nn.Linear]
) -> Tensor:
    """Update (B, T, D) from pixels (B, H, T, C) that were averaged by the attention weights.

    Args:
        pooled: Averages of pixels.
        share: Sum of the weights, (B, H, T, 1), which is one but for dropout.
        projections: See :func:`attend_both_ways`.
    """
    value_visual, out_text = projections[2], projections[5]
    heads, channels = pooled.shape[1], pooled.shape[3]
    weight = value_visual.weight.view(heads, -1, channels).transpose(1, 2)
    seen = pooled @ weight.to(pooled.dtype) + share * value_visual.bias.view(heads, 1, -1)
    return out_text(seen.transpose(1, 2).flatten(2))


def _weights(
    logits: Tensor,
    text_mask: Tensor | None,
    pixel_mask: Tensor | None,
    dropout: float,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Weights (B, H, T, N) of tokens for each pixel, and of pixels for each token.

    Args:
        logits: (B, H, T, N); changed in place.
        text_mask: See :func:`attend_both_ways`, like the next two.
        pixel_mask: bool (B, N) or None.
        dropout: Rate in [0, 1).
        dtype: Of the weights.
    """
    lowest = torch.finfo(logits.dtype).min
    seen_by_text = logits
    if pixel_mask is not None:
        seen_by_text = logits.masked_fill(~pixel_mask[:, None, None], lowest)
    of_pixels = seen_by_text.softmax(-1)
    if text_mask is not None:
        # Softmax keeps its result for the backward pass, not its input, which may be changed here.
        logits = logits.masked_fill_(~text_mask[:, None, :, None], lowest)
    of_tokens = logits.softmax(2)
    if dropout:
        of_tokens, of_pixels = (functional.dropout(w, dropout) for w in (of_tokens, of_pixels))
    return of_tokens.to(dtype), of_pixels.to(dtype)


def _stock_order(
    visual: Tensor,
    text: Tensor,
    text_mask: Tensor | None,
    projections: Sequence[nn.Linear],
    num_heads: int,
    dropout: float,
    pixel_mask: Tensor | None,
) -> tuple[Tensor, Tensor]:
    query, key, value_visual, value_text, out_visual, out_text = projections
    queries, values = (_split(layer(visual), num_heads) for layer in (query, value_visual))
    text_values = _split(value_text(text), num_heads)
    if dropout:
        with torch.autocast(visual.device.type, enabled=False):
            logits = _keys(text, key, num_heads) @ _precise(queries).transpose(-1, -2)
        of_tokens, of_pixels = _weights(logits, text_mask, pixel_mask, dropout, values.dtype)
        image, seen = of_tokens.transpose(-1, -2) @ text_values, of_pixels @ values
    else:
        # Kernels that never hold the logits, which they compute in float32; once a direction.
        keys = _split(key(text), num_heads)
        image, seen = (
            functional.scaled_dot_product_attention(
                *parts, attn_mask=None if mask is None else mask[:, None, None]
            )
            for parts, mask in (
                ((queries, keys, text_values), text_mask),
                ((keys, queries, values), pixel_mask),
            )
        )
    return tuple(
        layer(x.transpose(1, 2).flatten(2)) for layer, x in ((out_visual, image), (out_text, seen))
    )


def _folded_at_once(
    visual: Tensor,
    tokens: _Folded,
    text_mask: Tensor | None,
    projections: Sequence[nn.Linear],
    dropout: float,
    pixel_mask: Tensor | None,
) -> tuple[Tensor, Tensor]:
    shape = tokens.key.shape[:3]
    with torch.autocast(visual.device.type, enabled=False):
        logits = tokens.key.flatten(1, 2) @ _precise(visual).transpose(1, 2)
        logits = logits.unflatten(1, shape[1:]) + tokens.bias
    of_tokens, of_pixels = _weights(logits, text_mask, pixel_mask, dropout, visual.dtype)
    image = of_tokens.flatten(1, 2).transpose(1, 2) @ tokens.value.flatten(1, 2)
    pooled = (of_pixels.flatten(1, 2) @ visual).unflatten(1, shape[1:])
    share = of_pixels.sum(-1, keepdim=True) if dropout else 1.0
    return image + projections[4].bias, _tokens_update(pooled, share, projections)


def _folded_by_block(
    visual: Tensor,
    tokens: _Folded,
    text_mask: Tensor | None,
    projections: Sequence[nn.Linear],
    pixel_mask: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """As :func:`_folded_at_once`; the softmax over pixels is carried from block to block."""
    batch, heads, count, channels = tokens.key.shape
    pixels, out_bias = visual.shape[1], projections[4].bias
    image, pooled = [], []
    with torch.autocast(visual.device.type, enabled=False):
        keys, biases = tokens.key.flatten(1, 2), tokens.bias.flatten(1, 2)
        values = _precise(tokens.value.flatten(1, 2))
        lowest = torch.finfo(keys.dtype).min
        step = max(_BLOCK_BYTES // (heads * count * keys.element_size()), 64)
        for row in range(batch):
            peak = keys.new_full((heads * count, 1), -torch.inf)
            total, average = torch.zeros_like(peak), keys.new_zeros(heads * count, channels)
            for first in range(0, pixels, step):
                part = slice(first, first + step)
                block = _precise(visual[row, part])
                logits = torch.addmm(biases[row], keys[row], block.t())
                seen = logits
                if pixel_mask is not None:
                    seen = logits.masked_fill(~pixel_mask[row, part], lowest)
                higher = torch.maximum(peak, seen.amax(1, keepdim=True))
                weights, fade = (seen - higher).exp_(), (peak - higher).exp_()
                total = total * fade + weights.sum(1, keepdim=True)
                average = torch.addmm(average * fade, weights, block)
                peak = higher
                logits = logits.view(heads, count, -1)
                if text_mask is not None:
                    logits = logits.masked_fill_(~text_mask[row, :, None], lowest)
                weights = logits.softmax(1).flatten(0, 1)
                image.append((weights.t() @ values[row]).to(visual.dtype))
            pooled.append(average / total)
    update = torch.cat(image).view(batch, pixels, channels) + out_bias
    averages = torch.stack(pooled).view(batch, heads, count, channels).to(visual.dtype)
    return update, _tokens_update(averages, 1.0, projections)


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
