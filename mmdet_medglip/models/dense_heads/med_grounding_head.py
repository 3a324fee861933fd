"""Grounding head: alignment of every place with every token, boxes and centerness."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmcv.cnn import Scale
from mmdet.models.dense_heads import ATSSHead
from mmdet.models.utils import unpack_gt_instances
from mmdet.utils import reduce_mean
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn import functional

from mmdet_medglip.registry import MODELS

from ..language_models import TextFeatures
from .box_selection import Pairs, best_pairs, suppress_doubles
from .presence_head import PresenceHead, present_phrases

__all__ = ['MedGroundingHead']

_Maps = Sequence[Tensor]
_INCLUSIVE = (0.0, 0.0, 1.0, 1.0)
"""Half-open corners minus this are GLIP's inclusive corners."""


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])


@MODELS.register_module()
class MedGroundingHead(ATSSHead):
    """Score every place of a language-fused pyramid against every token.

    Alignment logits are ``S = O P^T / exp(s) + b`` with places ``O`` and projected tokens ``P``;
    the score of a phrase is the mean probability of its tokens, times centerness under a square
    root. Places are assigned to boxes by ATSS. Boxes that go in and come out are half open;
    GLIP's arithmetic on inclusive corners stays inside.

    Args:
        text_channels: Channels ``D`` of a token.
        in_channels: Channels ``C`` of every level.
        presence: Arguments of a :class:`PresenceHead`, which says of each phrase whether it is on
            the image at all; an empty dict takes the defaults, None leaves it out.
        **kwargs: ``anchor_generator``, ``bbox_coder``, ``loss_cls``, ``loss_bbox``,
            ``loss_centerness``, ``train_cfg``, ``test_cfg`` and ``init_cfg`` as in mmdet's
            ``ATSSHead``; the coder is ``DeltaXYWHBBoxCoderForGLIP``.

    Source:
        GLIP (arXiv 2112.03857), equation 3; ATSS (arXiv 1912.02424). Parameter shapes and box
        arithmetic follow MMDetection's ``ATSSVLFusionHead``
        (mmdet/models/dense_heads/atss_vlfusion_head.py, 3.3.0, Apache-2.0), so weights convert.
    """

    def __init__(
        self,
        text_channels: int,
        in_channels: int = 256,
        presence: dict | None = None,
        **kwargs: object,
    ) -> None:
        self.text_channels = text_channels
        kwargs.setdefault('init_cfg', dict(type='Normal', layer='Conv2d', std=0.01))
        super().__init__(
            num_classes=1, in_channels=in_channels, feat_channels=in_channels, **kwargs
        )
        self.presence: PresenceHead | None = None
        if presence is not None:
            kind = dict(type='PresenceHead', text_channels=text_channels)
            self.presence = MODELS.build(ConfigDict(kind | dict(presence)))

    def _init_layers(self) -> None:
        priors, channels = self.num_base_priors, self.in_channels
        self.bbox_pred = nn.Conv2d(channels, priors * 4, kernel_size=1)
        self.centerness = nn.Conv2d(channels, priors, kernel_size=1)
        self.text_projection = nn.Linear(self.text_channels, priors * channels)
        self.log_scale = nn.Parameter(torch.zeros(1))
        self.text_bias = nn.Parameter(torch.zeros(self.text_channels))
        self.prior_bias = nn.Parameter(torch.full((1,), -math.log((1 - 0.01) / 0.01)))
        self.scales = nn.ModuleList(Scale(1.0) for _ in self.prior_generator.strides)

    def forward(
        self, features: _Maps, text: TextFeatures
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Predict at every place.

        Args:
            features: Maps (B, C, H_l, W_l), fine to coarse.
            text: Prompts of the B images with (fused) token features.

        Returns:
            For each level alignment logits (B, H_l * W_l * A, T), box deltas (B, 4 A, H_l, W_l)
            and centerness logits (B, A, H_l, W_l), with A priors at a place.
        """
        tokens = functional.normalize(text.hidden, dim=-1)
        projected = self.text_projection(tokens / 2.0) / self.log_scale.exp()
        bias = (tokens @ self.text_bias + self.prior_bias)[:, None]
        priors = self.num_base_priors
        projected = projected.unflatten(-1, (priors, -1)).transpose(1, 2)  # (B, A, T, C)
        logits, deltas, centerness = [], [], []
        for scale, feature in zip(self.scales, features, strict=True):
            places = feature.flatten(2).transpose(1, 2)
            aligned = torch.stack(
                [places @ projected[:, a].transpose(1, 2) for a in range(priors)], dim=2
            )
            logits.append(aligned.flatten(1, 2) + bias)
            deltas.append(scale(self.bbox_pred(feature)))
            centerness.append(self.centerness(feature))
        return logits, deltas, centerness

    def loss(self, features: _Maps, text: TextFeatures, batch_data_samples: list) -> dict:
        """Predict and compare with the samples' boxes; see :meth:`loss_by_feat`."""
        gts, ignored, metas = unpack_gt_instances(batch_data_samples)
        return self.loss_by_feat(*self(features, text), text, gts, metas, ignored)

    def loss_by_feat(
        self,
        logits: _Maps,
        deltas: _Maps,
        centerness: _Maps,
        text: TextFeatures,
        batch_gt_instances: list[InstanceData],
        batch_img_metas: list[dict] | None = None,
        batch_gt_instances_ignore: list | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of a batch.

        Args:
            logits: Alignment logits as :meth:`forward` returns them, like the next two.
            deltas: Box deltas.
            centerness: Centerness logits.
            text: The prompts, padding last; their token maps say which tokens a label owns.
            batch_gt_instances: For each image ``bboxes`` (n, 4), half open, in pixels of the
                network's input, and ``labels`` (n,), indices of phrases; n may be 0. With
                ``phrases``, bool (n, P), all phrases that are true for a box are its targets.
            batch_img_metas: With ``scale_factor`` (width, height) of images that were resized;
                presence reads ``text`` and ``tokens_positive``.
            batch_gt_instances_ignore: As in mmdet.

        Returns:
            ``loss_cls``, ``loss_bbox`` and ``loss_centerness``, scalars, and ``loss_presence``
            with a presence head.
        """
        levels = self._priors(deltas)
        priors = torch.cat(levels)
        inclusive_priors = InstanceData(priors=priors - priors.new_tensor(_INCLUSIVE))
        ignored = batch_gt_instances_ignore or [None] * len(batch_gt_instances)
        counts = [len(level) for level in levels]
        assigned, boxes, wanted = [], [], []
        metas = batch_img_metas or [{}] * len(batch_gt_instances)
        for gt, meta, skip, owned, length in zip(
            batch_gt_instances, metas, ignored, text.token_maps, text.lengths, strict=True
        ):
            # Inclusive by a pixel of the original image, since predictions add one after rescaling.
            pixel = priors.new_tensor((0.0, 0.0, *meta.get('scale_factor', (1.0, 1.0))[:2]))
            inclusive = InstanceData(bboxes=gt.bboxes - pixel, labels=gt.labels)
            result = self.assigner.assign(inclusive_priors, counts, inclusive, skip)
            positive = result.gt_inds > 0
            matched = (result.gt_inds - 1)[positive]
            target = torch.zeros(len(priors), length, device=priors.device)
            target[positive] = self._owned_by(gt, owned)[matched, :length].float()
            assigned.append(result.gt_inds)
            boxes.append(inclusive.bboxes[matched])
            wanted.append(target)
        gt_inds = torch.stack(assigned)
        per_image = (gt_inds > 0).sum(1).clamp(min=1)
        num_positive = reduce_mean(per_image.sum().float()).item()
        loss_cls = self._alignment_loss(logits, wanted, gt_inds, num_positive)
        loss_bbox, loss_centerness = self._box_losses(
            self._flat(deltas, 4),
            self._flat(centerness, 1).squeeze(-1),
            priors,
            gt_inds > 0,
            torch.cat(boxes),
            num_positive,
        )
        losses = dict(loss_cls=loss_cls, loss_bbox=loss_bbox, loss_centerness=loss_centerness)
        if self.presence is not None:
            present = [
                present_phrases(len(owned), *truth)
                for owned, *truth in zip(
                    text.token_maps, batch_gt_instances, ignored, metas, strict=True
                )
            ]
            losses |= self.presence.loss(self._phrase_scores(logits, text), text, present)
        return losses

    @staticmethod
    def _owned_by(gt: InstanceData, owned: Tensor) -> Tensor:
        """Tokens of the phrases of each box, bool (n, T); ``owned`` (P, T) are those of phrases."""
        if 'phrases' not in gt:
            return owned[gt.labels]
        return (gt.phrases.float() @ owned.float()) > 0

    def _priors(self, deltas: _Maps) -> list[Tensor]:
        """Priors (places, 4) of each level, half open, network pixels."""
        return self.prior_generator.grid_priors(
            [delta.shape[-2:] for delta in deltas], dtype=torch.float32, device=deltas[0].device
        )

    @staticmethod
    def _flat(maps: _Maps, channels: int) -> Tensor:
        """Maps (B, A * channels, H_l, W_l) to (B, places, channels) in the order of priors."""
        batch = len(maps[0])
        return torch.cat([m.permute(0, 2, 3, 1).reshape(batch, -1, channels) for m in maps], 1)

    def _alignment_loss(
        self, logits: _Maps, targets: Sequence[Tensor], gt_inds: Tensor, num_positive: float
    ) -> Tensor:
        """Loss over pairs of a place and a real token; ignored places have weight 0.

        Args:
            logits: Of each level (B, places, T); padding comes last.
            targets: Of each image (N, T_i), with ``T_i`` real tokens.
            gt_inds: int64 (B, N), -1 = an ignored place.
            num_positive: Divisor.
        """
        weight = None
        if (gt_inds < 0).any():
            counted = (gt_inds >= 0).float()[..., None]
            weight = _joined([c.expand_as(t) for c, t in zip(counted, targets, strict=True)])
        real = [
            torch.cat([level[row, :, : target.shape[1]] for level in logits])
            for row, target in enumerate(targets)
        ]
        return self.loss_cls(_joined(real), _joined(targets), weight, avg_factor=num_positive)

    def _box_losses(
        self,
        deltas: Tensor,
        centerness: Tensor,
        priors: Tensor,
        positive: Tensor,
        boxes: Tensor,
        num_positive: float,
    ) -> tuple[Tensor, Tensor]:
        """Box loss weighted by centerness, and centerness loss, over positive places."""
        at = priors.expand(len(deltas), -1, -1)[positive]
        target = self._centerness_target(at - at.new_tensor(_INCLUSIVE), boxes)
        weight_sum = reduce_mean(target.sum()).clamp(min=1).item()
        if not len(boxes):
            return deltas.sum() * 0, centerness.sum() * 0
        decoded = self.bbox_coder.decode(at, deltas[positive])
        loss_bbox = self.loss_bbox(decoded, boxes, weight=target, avg_factor=1.0) / weight_sum
        loss_centerness = self.loss_centerness(
            centerness[positive], target, avg_factor=num_positive
        )
        return loss_bbox, loss_centerness

    @staticmethod
    def _centerness_target(priors: Tensor, boxes: Tensor) -> Tensor:
        """Centerness (n,) in [0, 1] of places in their boxes, corners inclusive; 0 for a point."""
        center = (priors[:, :2] + priors[:, 2:]) / 2
        before, after = center - boxes[:, :2], boxes[:, 2:] - center
        ratio = torch.minimum(before, after) / torch.maximum(before, after)
        return ratio.prod(1).clamp(min=0).sqrt().nan_to_num(0.0)

    def predict(
        self,
        features: _Maps,
        text: TextFeatures,
        batch_data_samples: list,
        rescale: bool = True,
    ) -> list[InstanceData]:
        """Detect the phrases of each image's prompt.

        Args:
            features: Maps (B, C, H_l, W_l).
            text: Prompts of the B images.
            batch_data_samples: Samples with ``img_shape`` and, to rescale, ``scale_factor``.
            rescale: Give boxes in pixels of the original image.

        Returns:
            For each image ``bboxes`` (n, 4), half open, ``scores`` (n,) in [0, 1], best first, and
            ``labels`` (n,), indices of phrases. With a presence head the metainfo has
            ``presence_logits`` (P,), one of each phrase.
        """
        metas = [sample.metainfo for sample in batch_data_samples]
        return self.predict_by_feat(*self(features, text), text, metas, rescale)

    def predict_by_feat(
        self,
        logits: _Maps,
        deltas: _Maps,
        centerness: _Maps,
        text: TextFeatures,
        batch_img_metas: list[dict],
        rescale: bool = True,
    ) -> list[InstanceData]:
        """Turn predictions at places into boxes; arguments as above."""
        levels = self._priors(deltas)
        phrase_scores = self._phrase_scores(logits, text)
        pairs = self._best_pairs(phrase_scores)
        image, place = pairs.image, pairs.place
        boxes = self._decode(
            torch.cat(levels)[place],
            self._flat(deltas, 4)[image, place].float(),
            image,
            batch_img_metas,
            rescale,
        )
        inside = self._flat(centerness, 1)[image, place, 0].sigmoid().float()
        scores = (pairs.score * inside).sqrt()
        least = self.test_cfg.get('min_bbox_size', -1)
        large = (boxes[:, 2:] - boxes[:, :2] > least).all(1) if least >= 0 else slice(None)
        image, *values = (x[large] for x in (image, boxes, scores, pairs.phrase))
        counts = torch.bincount(image, minlength=len(batch_img_metas)).tolist()
        parts = zip(*(value.split(counts) for value in values), strict=True)
        results = [self._best_boxes(*part) for part in parts]
        if self.presence is not None:
            for result, judged in zip(results, self.presence(phrase_scores, text), strict=True):
                result.set_field(judged.detach(), 'presence_logits', field_type='metainfo')
        return results

    def score_places(
        self,
        features: _Maps,
        text: TextFeatures,
        batch_data_samples: list,
        rescale: bool = True,
    ) -> tuple[Tensor, list[Tensor]]:
        """Box and scores of every place, without centerness and suppression.

        Args:
            features: As for :meth:`predict`, like all that follow.
            text: Prompts of the B images.
            batch_data_samples: The B samples.
            rescale: Give boxes in pixels of the original image.

        Returns:
            Boxes (B, N, 4), half open, of the N places of all levels, and for each image the mean
            probability (N, P) of the tokens of its P phrases at each place.
        """
        logits, deltas, _ = self(features, text)
        levels = self._priors(deltas)
        batch, places = len(text), sum(map(len, levels))
        boxes = self._decode(
            torch.cat(levels).repeat(batch, 1),
            self._flat(deltas, 4).flatten(0, 1).float(),
            torch.arange(batch, device=deltas[0].device).repeat_interleave(places),
            [sample.metainfo for sample in batch_data_samples],
            rescale,
        )
        scores = torch.cat(self._phrase_scores(logits, text), dim=1)
        counts = map(len, text.token_maps)
        return (boxes + boxes.new_tensor(_INCLUSIVE)).unflatten(0, (batch, places)), [
            of_image[:, :count] for of_image, count in zip(scores, counts, strict=True)
        ]

    def _decode(
        self,
        priors: Tensor,
        deltas: Tensor,
        image: Tensor,
        metas: Sequence[dict],
        rescale: bool,
    ) -> Tensor:
        """Boxes (n, 4) with inclusive corners, inside their image, of priors and deltas (n, 4)."""
        boxes = self.bbox_coder.decode(priors, deltas)
        sizes = boxes.new_tensor([meta['img_shape'][1::-1] * 2 for meta in metas])
        boxes = torch.minimum(boxes.clamp(min=0), sizes[image] - 1)
        if not rescale:
            return boxes
        back = [[1 / scale for scale in meta['scale_factor'][:2]] * 2 for meta in metas]
        return boxes * boxes.new_tensor(back)[image]

    @staticmethod
    def _phrase_scores(logits: _Maps, text: TextFeatures) -> list[Tensor]:
        """Mean probability of the tokens of each phrase, of each level (B, places, P)."""
        shares = text.shares()
        most = max(map(len, shares))
        share = torch.stack([functional.pad(s, (0, 0, 0, most - len(s))) for s in shares])
        return [level.float().sigmoid() @ share.mT for level in logits]

    def _best_pairs(self, scores: _Maps) -> Pairs:
        """Pairs of place and phrase that may become boxes."""
        threshold = max(self.test_cfg.get('score_thr', 0), 0)  # What pads the phrases scores 0.
        return best_pairs(scores, threshold, self.test_cfg.get('nms_pre', -1))

    def _best_boxes(self, boxes: Tensor, scores: Tensor, labels: Tensor) -> InstanceData:
        """Boxes of one image, best first, half open."""
        boxes, scores, labels = suppress_doubles(
            boxes, scores, labels, self.test_cfg.nms, self.test_cfg.max_per_img
        )
        return InstanceData(
            bboxes=boxes + boxes.new_tensor(_INCLUSIVE), scores=scores, labels=labels
        )
