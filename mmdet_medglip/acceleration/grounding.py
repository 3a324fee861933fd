"""Fusion, text and loss of GLIP and Grounding DINO over real tokens alone, in fewer products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from mmdet.models.dense_heads import ATSSVLFusionHead
from mmdet.models.language_models import BertModel
from mmdet.models.utils.vlfuse_helper import BiMultiHeadAttention
from torch import Tensor

from mmdet_medglip.models.language_models import WeightBoundCache, autocast_type, pad_rows
from mmdet_medglip.models.layers import attend_both_ways

__all__ = ['FastATSSVLFusionHead', 'FastBertModel', 'FastBiMultiHeadAttention']

_CAPTIONS = 512
"""Captions whose features are kept."""


class FastBiMultiHeadAttention(BiMultiHeadAttention):
    """As the parent, with the projections of pixels on the side of the tokens where that pays.

    The parent's clamps at +-50000 are left out: they act on no finite model we saw.
    """

    def forward(
        self,
        vision: Tensor,
        lang: Tensor,
        attention_mask_v: Tensor | None = None,
        attention_mask_l: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend both ways.

        Args:
            vision: Pixels (B, N, C).
            lang: Tokens (B, T, D).
            attention_mask_v: bool (B, N), True = a padded pixel.
            attention_mask_l: Numbers (B, T), 0 = a padded token. A mask of bools, as Grounding DINO
                gives it, blocks no token: the parent fills it with a number, which a bool cannot
                hold, and adds the same to all logits.

        Returns:
            Updates (B, N, C) and (B, T, D).
        """
        blocks = attention_mask_l is not None and attention_mask_l.dtype != torch.bool
        return attend_both_ways(
            vision,
            lang,
            attention_mask_l != 0 if blocks else None,
            (
                self.v_proj,
                self.l_proj,
                self.values_v_proj,
                self.values_l_proj,
                self.out_v_proj,
                self.out_l_proj,
            ),
            self.num_heads,
            self.dropout if self.training else 0.0,
            None if attention_mask_v is None else ~attention_mask_v.bool(),
        )


class _Caption(NamedTuple):
    """Features of the real tokens of one caption, both (T, D)."""

    embedded: Tensor
    hidden: Tensor


class FastBertModel(BertModel):
    """As the parent, but over real tokens, each distinct caption once, and from a cache if exact.

    With sub-sentences (Grounding DINO) the parent pads no further than to the longest caption, and
    masks depend on it; then whole batches of captions are kept.
    """

    def forward(self, captions: Sequence[str], **kwargs: Any) -> dict[str, Tensor]:
        """Encode captions.

        Args:
            captions: ``B`` texts.
            **kwargs: Ignored, as in the parent.

        Returns:
            As the parent, padded to the longest caption.
        """
        cache = self.__dict__.setdefault('_features', WeightBoundCache(_CAPTIONS))
        precision = autocast_type(next(self.parameters()).device)
        if self.use_sub_sentence_represent:
            key = (tuple(captions), precision)
            found = cache.fetch_of(
                self.language_backbone, [key], lambda keys: [BertModel.forward(self, captions)]
            )
            return dict(found[key])
        keys = [(caption, precision) for caption in captions]
        found = cache.fetch_of(
            self.language_backbone, keys, lambda lost: self._encode([c for c, _ in lost])
        )
        rows = [found[key] for key in keys]
        embedded, _ = pad_rows([row.embedded for row in rows])
        hidden, mask = pad_rows([row.hidden for row in rows])
        return {'embedded': embedded, 'masks': mask.long(), 'hidden': hidden}

    def _encode(self, captions: list[str]) -> list[_Caption]:
        pad_to_max, self.pad_to_max = self.pad_to_max, False
        try:
            found = super().forward(captions)
        finally:
            self.pad_to_max = pad_to_max
        lengths = found['masks'].sum(1).tolist()
        return [
            _Caption(embedded[:length].clone(), hidden[:length].clone())
            for embedded, hidden, length in zip(
                found['embedded'], found['hidden'], lengths, strict=True
            )
        ]


class FastATSSVLFusionHead(ATSSVLFusionHead):
    """As the parent, whose targets are as wide as the longest prompt a model can read."""

    def _loss_by_feat(
        self,
        anchors: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        centerness: Tensor,
        labels: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Tensor, ...]:
        """Compare with the targets of the tokens that were read; arguments as in the parent."""
        labels = labels[..., : cls_score.shape[-1]]
        return super()._loss_by_feat(
            anchors, cls_score, bbox_pred, centerness, labels, *args, **kwargs
        )
