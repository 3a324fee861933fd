"""Feature pyramid whose levels are fused with the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertLayer

from mmdet_medglip.registry import MODELS

from ..language_models import TextFeatures, length_buckets
from ..layers import BiAttention, DynamicPyramidConv, maps_from_rows, rows_from_maps

__all__ = ['FusionBlock', 'LanguageFusedFPN']


_CPU_CALL, _DEVICE_CALL = 2, 128
"""What fusing one more group of prompts costs beside its tokens, in tokens: measured on a CPU,
estimated from launch times elsewhere."""


class FusionBlock(nn.Module):
    """Image-text attention, then one layer of each side: text transformer, dynamic convolution.

    Args:
        channels: Channels ``C`` of every pyramid level.
        text_channels: Channels ``D`` of a token.
        fusion: Arguments of :class:`BiAttention`; None leaves text and image apart.
        text_layer: Arguments of ``transformers.BertConfig`` (heads, intermediate width).
        deformable: See :class:`DynamicPyramidConv`.
        num_groups: See :class:`DynamicPyramidConv`.
        upsample: See :class:`DynamicPyramidConv`.
    """

    def __init__(
        self,
        channels: int,
        text_channels: int,
        fusion: dict | None,
        text_layer: dict,
        deformable: bool,
        num_groups: int,
        upsample: str,
    ) -> None:
        super().__init__()
        self.fusion = self.text_layer = None
        if fusion is not None:
            self.fusion = BiAttention(channels, text_channels, **fusion)
            config = BertConfig(hidden_size=text_channels, **text_layer)
            config._attn_implementation = 'eager'
            self.text_layer = BertLayer(config)
        self.vision = DynamicPyramidConv(channels, deformable, num_groups, upsample)

    def forward(
        self, features: Sequence[Tensor], hidden: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Fuse once.

        Args:
            features: Maps (B, C, H_l, W_l).
            hidden: Tokens (B_g, T_g, D) of groups of images in a row, together all ``B``; none
                without fusion.
            masks: bool (B_g, T_g) of each group, True = a real token.
        """
        features, hidden = list(features), list(hidden)
        if self.fusion is not None:
            joined = rows_from_maps(features)
            if len(hidden) == 1:
                joined, *hidden = self._fuse(joined, hidden[0], masks[0])
            else:
                parts = joined.split([len(group) for group in hidden])
                fused = [self._fuse(*group) for group in zip(parts, hidden, masks, strict=True)]
                joined = torch.cat([rows for rows, _ in fused])
                hidden = [tokens for _, tokens in fused]
            features = maps_from_rows(joined, [f.shape[-2:] for f in features])
        return self.vision(features), hidden

    def _fuse(self, pixels: Tensor, hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        pixels, hidden = self.fusion(pixels, hidden, mask)
        blocked = torch.zeros(mask.shape, dtype=hidden.dtype, device=hidden.device)
        blocked = blocked.masked_fill(~mask, torch.finfo(hidden.dtype).min)
        return pixels, self.text_layer(hidden, attention_mask=blocked[:, None, None])[0]


@MODELS.register_module()
class LanguageFusedFPN(BaseModule):
    """Build a feature pyramid and fuse it with the prompt, ``num_blocks`` times.

    A block is GLIP's deep fusion, image-text attention, and one layer of each side::

        C3..C5 -- FPN -- P3..P7 --+-- BiAttention -- DynamicPyramidConv --+-- ... -- P3..P7
                                  |       |                               |
        prompt -- tokens ---------+-------+-------- BertLayer ------------+-- ... -- tokens

    MMDetection keeps this tower in GLIP's head; here it is the neck, so that any head can stand on
    language-fused maps.

    Args:
        in_channels: Channels of the backbone's maps, fine to coarse.
        out_channels: Channels ``C`` of every level.
        text_channels: Channels ``D`` of a token; those of the language model.
        num_outs: Number of levels ``L``.
        num_blocks: Number of fusion blocks; GLIP-T has 6.
        fusion: Arguments of :class:`BiAttention` (``embed_channels``, ``num_heads``, ...); None
            keeps text out of the image (GLIP-T of kind A).
        text_layer: Arguments of ``transformers.BertConfig`` for the text side of a block.
        deformable: Deformable convolutions in the blocks, as GLIP has.
        num_groups: Groups of the blocks' normalisation.
        upsample: How the blocks enlarge a coarser level, see :class:`DynamicPyramidConv`.
        fpn: Overrides for mmdet's ``FPN``.
        with_cp: Recompute blocks in the backward pass, to save memory.
        init_cfg: As in mmengine.
    """

    fuses_language = True

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 256,
        text_channels: int = 768,
        num_outs: int = 5,
        num_blocks: int = 6,
        fusion: dict | None = None,
        text_layer: dict | None = None,
        deformable: bool = True,
        num_groups: int = 16,
        upsample: str = 'bilinear',
        fpn: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.01))
        pyramid = dict(
            type='mmdet.FPN',
            in_channels=list(in_channels),
            out_channels=out_channels,
            num_outs=num_outs,
            add_extra_convs='on_output',
            relu_before_extra_convs=True,
        )
        self.fpn = MODELS.build(ConfigDict(pyramid | (fpn or {})))
        self.text_channels = text_channels
        self.with_cp = with_cp
        self.is_fused = fusion is not None and num_blocks > 0
        self.blocks = nn.ModuleList(
            FusionBlock(
                out_channels,
                text_channels,
                fusion,
                text_layer or {},
                deformable,
                num_groups,
                upsample,
            )
            for _ in range(num_blocks)
        )

    def forward(
        self, features: Sequence[Tensor], text: TextFeatures
    ) -> tuple[list[Tensor], TextFeatures]:
        """Build the pyramid and fuse it with the prompts.

        Args:
            features: Backbone maps (B, in_channels[i], H_i, W_i), fine to coarse.
            text: Prompts of the B images.

        Returns:
            ``num_outs`` maps (B, C, H_l, W_l) and the prompts with fused token features.
        """
        return self.fuse(self.pyramid(features), text)

    def pyramid(self, features: Sequence[Tensor]) -> list[Tensor]:
        """What needs no prompt, so that one image serves many: all of it without ``fusion``."""
        levels = list(self.fpn(tuple(features)))
        return levels if self.is_fused else self._run_blocks(levels, [], [])[0]

    def fuse(
        self, levels: Sequence[Tensor], text: TextFeatures
    ) -> tuple[list[Tensor], TextFeatures]:
        """Fuse a pyramid (B, C, H_l, W_l) with B prompts; returns as :meth:`forward`.

        Prompts of like length meet their images together, so that one long prompt in a batch does
        not make the others as dear; convolutions run over the whole batch.
        """
        if not self.is_fused:
            return list(levels), text
        groups = self._groups(text)
        if groups is None:
            levels, hidden = self._run_blocks(levels, [text.hidden], [text.mask])
            return levels, text.with_hidden(hidden[0])
        order = torch.tensor([row for group in groups for row in group], device=text.mask.device)
        parts = [text.of_rows(group) for group in groups]
        levels, hidden = self._run_blocks(
            [level[order] for level in levels],
            [part.hidden for part in parts],
            [part.mask for part in parts],
        )
        back, longest = order.argsort(), text.mask.shape[1]
        padded = [functional.pad(h, (0, 0, 0, longest - h.shape[1])) for h in hidden]
        return [level[back] for level in levels], text.with_hidden(torch.cat(padded)[back])

    @staticmethod
    def _groups(text: TextFeatures) -> list[list[int]] | None:
        """Images whose prompts are padded together; None for all, as in a graph for any batch."""
        if torch.compiler.is_compiling() or torch.jit.is_tracing() or len(text) == 1:
            return None
        call_cost = _CPU_CALL if text.mask.device.type == 'cpu' else _DEVICE_CALL
        groups = length_buckets(text.lengths, call_cost)
        return groups if len(groups) > 1 else None

    def _run_blocks(
        self, levels: Sequence[Tensor], hidden: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        levels, hidden = list(levels), list(hidden)
        for block in self.blocks:
            if self.with_cp and torch.is_grad_enabled():
                levels, hidden = checkpoint(block, levels, hidden, masks, use_reentrant=False)
            else:
                levels, hidden = block(levels, hidden, masks)
        return levels, hidden
