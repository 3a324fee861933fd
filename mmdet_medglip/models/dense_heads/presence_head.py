"""Presence head: whether a phrase is on the image at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_medglip.registry import MODELS

from ..language_models import TextFeatures

__all__ = ['PresenceHead', 'alignment_evidence', 'present_phrases']

_SURE = 1e-4
"""Probabilities are kept this far from 0 and 1, so that their logits stay within about 9.2."""


def alignment_evidence(scores: Sequence[Tensor], num_places: int) -> Tensor:
    """What the alignment map says about each phrase: its best place, and its best places.

    The best places are looked at, not all: what is beside a smaller image of a batch, or more
    background of a larger one, does not change the evidence.

    Args:
        scores: Probability of each phrase at each place, of each level (B, N_l, P).
        num_places: Number ``k`` of best places; fewer where the levels have fewer.

    Returns:
        float32 (B, P, 2): logit of the best place, and mean logit of the ``k`` best ones.
    """
    best = [level.float().topk(min(num_places, level.shape[1]), dim=1).values for level in scores]
    logits = torch.cat(best, dim=1).clamp(_SURE, 1 - _SURE).logit()
    top = logits.topk(min(num_places, logits.shape[1]), dim=1).values
    return torch.stack([top[:, 0], top.mean(1)], dim=-1)


def present_phrases(
    num_phrases: int,
    instances: InstanceData,
    ignored: InstanceData | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Tensor:
    """Which of the asked phrases are on an image.

    Args:
        num_phrases: Number ``P`` of phrases of the prompt.
        instances: Truth with ``labels`` (n,), indices of phrases, or with ``phrases``, bool (n, P),
            all phrases that are true of a box; n may be 0.
        ignored: Crowds and boxes that do not count one by one; what they show is there as well.
        meta: Of the sample. With ``tokens_positive`` beside a ``text`` it is a caption, which says
            what is there: all its phrases are.

    Returns:
        bool (P,).
    """
    device = instances.bboxes.device
    meta = meta or {}
    if isinstance(meta.get('text'), str) and meta.get('tokens_positive') is not None:
        return torch.ones(num_phrases, dtype=torch.bool, device=device)
    present = torch.zeros(num_phrases, dtype=torch.bool, device=device)
    for boxes in (instances, ignored):
        if boxes is None or not len(boxes):
            continue
        if 'phrases' in boxes:
            present |= boxes.phrases.any(0)
        elif 'labels' in boxes:
            present[boxes.labels] = True
    return present


@MODELS.register_module()
class PresenceHead(BaseModule):
    """Judge each phrase of a prompt: is there anything of it on the image?

    The logit of a phrase is ``w e + f(norm(h), e)`` with its mean token ``h``, which has seen the
    image in the neck, the evidence ``e`` of its alignment map and a perceptron ``f`` of one hidden
    layer. It starts as the logit of the best place, which a detector without presence would go by.

    The evidence carries no gradient by default: the map then learns from the places' own loss
    alone, which knows all places of a phrase, where a loss of the image would pull at its best
    places only. The tokens do carry it, so that the neck learns to tell presence.

    Args:
        text_channels: Channels ``D`` of a token.
        hidden_channels: Width of the hidden layer.
        num_places: Best places that the evidence is the mean of. ATSS matches at most 9 places of
            a level to a box.
        detach_evidence: Keep the gradient of presence out of the alignment map.
        loss: A loss of logits (n,) and targets (n,); its ``loss_weight`` weighs presence.
        init_cfg: As in mmengine.

    Raises:
        ValueError: A size is not positive.
    """

    def __init__(
        self,
        text_channels: int,
        hidden_channels: int = 128,
        num_places: int = 9,
        detach_evidence: bool = True,
        loss: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for name, value in (('hidden_channels', hidden_channels), ('num_places', num_places)):
            if value < 1:
                raise ValueError(f'presence.{name} must be at least 1, got {value!r}.')
        self.num_places = num_places
        self.detach_evidence = detach_evidence
        self.norm = nn.LayerNorm(text_channels)
        self.hidden = nn.Linear(text_channels + 2, hidden_channels)
        self.out = nn.Linear(hidden_channels, 1)
        self.evidence = nn.Linear(2, 1, bias=False)
        self.loss_presence = MODELS.build(
            loss or dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0)
        )
        with torch.no_grad():
            self.out.weight.zero_()
            self.out.bias.zero_()
            self.evidence.weight.copy_(torch.tensor([[1.0, 0.0]]))

    def forward(self, scores: Sequence[Tensor], text: TextFeatures) -> tuple[Tensor, ...]:
        """Judge the phrases of a batch.

        Args:
            scores: Probability of each phrase at each place, of each level (B, N_l, P); prompts of
                fewer than ``P`` phrases are padded.
            text: The B prompts with fused token features.

        Returns:
            For each prompt float32 (P_i,), the logits that its phrases are there.
        """
        counts = [len(owned) for owned in text.token_maps]
        evidence = alignment_evidence(
            [level.detach() for level in scores] if self.detach_evidence else scores,
            self.num_places,
        )
        evidence = torch.cat([row[:count] for row, count in zip(evidence, counts, strict=True)])
        tokens = torch.cat(
            [
                share.to(hidden.dtype) @ hidden
                for share, hidden in zip(text.shares(), text.hidden, strict=True)
            ]
        )
        evidence = evidence.to(tokens.dtype)
        hidden = self.hidden(torch.cat([self.norm(tokens).to(tokens.dtype), evidence], dim=1))
        logits = self.out(hidden.relu()) + self.evidence(evidence)
        return logits.float().squeeze(1).split(counts)

    def loss(
        self, scores: Sequence[Tensor], text: TextFeatures, present: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """Compare with the truth, each asked phrase of all ranks alike.

        Args:
            scores: As in :meth:`forward`.
            text: As in :meth:`forward`.
            present: For each image bool (P_i,), see :func:`present_phrases`.

        Returns:
            ``loss_presence``, a scalar.
        """
        logits, target = torch.cat(self(scores, text)), torch.cat(tuple(present)).float()
        count = reduce_mean(target.new_tensor(float(len(target)))).clamp(min=1).item()
        return dict(loss_presence=self.loss_presence(logits, target, avg_factor=count))
