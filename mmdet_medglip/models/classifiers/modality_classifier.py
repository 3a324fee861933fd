"""Tell the modality of an image by its thumbnail, or that it is of none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.registry import MODELS
from mmdet_medglip.routing import Verdict, framed_views

from .class_distance import ClassDistance
from .thumbnail_memory import ThumbnailMemory
from .training_batch import foreign_batch, known_batch

__all__ = ['ModalityClassifier']

_MEAN, _SCALE = 127.5, 64.0
_BATCH = 256
_FAINT = 1e-3
"""Keeps a layer without any activation finite."""


@MODELS.register_module()
class ModalityClassifier(BaseModule):
    """Four convolutions over a thumbnail, with two ways to say "none of these".

    The softmax has a class for foreign images, which it learns from pictures drawn on the fly
    (:mod:`mmdet_medglip.routing.foreign_images`); and an image whose statistics (the mean of every
    channel over the root mean square of its layer) lie far from those of all known modalities is
    foreign whatever the softmax says. Both bounds are set by :meth:`calibrate` on images that were
    not trained on, so that the wanted share of them passes.

    It trains on a memory of thumbnails of all modalities, so batches may hold one modality each.
    Weights, bounds and names of the modalities are in the state dict, and
    :meth:`from_state_dict` needs nothing else.

    Args:
        modalities: Ids of the modalities to tell apart; None for all of the ontology.
        channels: Width of each layer.
        known_per_step: Known images that a training step looks at.
        foreign_per_step: Foreign images that it looks at.
        memory: Most thumbnails of each modality that training keeps in memory (12 kB each).
        loss_weight: Factor of the loss.
        init_cfg: As in mmengine.

    Raises:
        ValueError: No or repeated modalities, or a number below 1.

    Example:
        >>> classifier = ModalityClassifier(['ct', 'mri']).eval()
        >>> logits, statistics = classifier(torch.zeros(5, 3, 64, 64, dtype=torch.uint8))
        >>> tuple(logits.shape), tuple(statistics.shape)
        ((5, 3), (5, 240))
    """

    def __init__(
        self,
        modalities: Sequence[str] | None = None,
        channels: Sequence[int] = (16, 32, 64, 128),
        known_per_step: int = 48,
        foreign_per_step: int = 32,
        memory: int = 256,
        loss_weight: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        names = tuple(modalities) if modalities is not None else Ontology.default().modalities
        if not names or len(set(names)) != len(names):
            raise ValueError(
                f'ModalityClassifier: modalities must be distinct names, at least one, got {names}.'
            )
        if known_per_step < 1 or foreign_per_step < 1:
            raise ValueError(
                'ModalityClassifier: known_per_step and foreign_per_step must be 1 or more, got '
                f'{known_per_step!r} and {foreign_per_step!r}.'
            )
        self.modalities = names
        self.known_per_step, self.foreign_per_step = known_per_step, foreign_per_step
        self.loss_weight = loss_weight
        widths = [3, *channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
            for before, after in pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in channels)
        self.fc = nn.Linear(2 * widths[-1], len(names) + 1)
        self.distance = ClassDistance(len(names), sum(channels))
        self.register_buffer('names', _encode(names))
        self.register_buffer('min_confidence', torch.tensor(1.0))
        self.register_buffer('max_distance', torch.tensor(0.0))
        self._memory = ThumbnailMemory(memory)
        self._rng = np.random.default_rng(0)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], prefix: str = '') -> Any:
        """Build the classifier that a state dict is of, on the CPU, for use.

        Args:
            state_dict: Weights; other keys are passed over.
            prefix: Of its keys, such as ``'modality_classifier.'``.

        Raises:
            ValueError: There is no classifier under the prefix, or it is damaged.
        """
        own = {k.removeprefix(prefix): v for k, v in state_dict.items() if k.startswith(prefix)}
        if 'names' not in own:
            raise ValueError(
                f'No modality classifier among the weights: expected {prefix}names; train one with '
                'configs/routing/modality_classifier.py or configs/medglip/all_auto.py.'
            )
        layers = sum(key.startswith('convs.') for key in own)
        try:
            channels = [own[f'convs.{index}.weight'].shape[0] for index in range(layers)]
            classifier = cls(_decode(own['names']), channels)
            classifier.load_state_dict(own)
        except (KeyError, RuntimeError, ValueError, IndexError) as error:
            raise ValueError(f'The modality classifier is damaged ({error}); restore it.') from (
                error
            )
        return classifier.eval()

    @property
    def is_calibrated(self) -> bool:
        """Whether its bounds were set; before that it accepts nothing."""
        return bool(self.max_distance > 0)

    def forward(self, thumbnails: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and statistics.

        Args:
            thumbnails: (B, 3, 64, 64) BGR, 0..255, uint8 or float, see
                :func:`mmdet_medglip.datasets.transforms.thumbnail_of`.

        Returns:
            Logits (B, K + 1), the last of foreign images, and statistics (B, D).
        """
        x = (thumbnails.float() - _MEAN) / _SCALE
        statistics = []
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))
            strength = x.square().mean((1, 2, 3)).sqrt() + _FAINT
            statistics.append(x.mean((2, 3)) / strength[:, None])
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return self.fc(pooled), torch.cat(statistics, 1)

    @torch.no_grad()
    def predict(
        self,
        thumbnails: Tensor,
        min_confidence: float | None = None,
        max_distance: float | None = None,
    ) -> list[Verdict]:
        """Judge thumbnails (B, 3, 64, 64).

        Args:
            thumbnails: As in :meth:`forward`.
            min_confidence: Bound to use instead of the calibrated one, 0..1.
            max_distance: Bound on the distance, as a multiple of the calibrated one.

        Raises:
            ValueError: It was not calibrated.
        """
        if not self.is_calibrated:
            raise ValueError(
                'The modality classifier was not calibrated: train it with ModalityRoutingHook '
                'among custom_hooks, or call calibrate() with validation images.'
            )
        confidence, distance, best = self._scores(thumbnails)
        least = self.min_confidence if min_confidence is None else min_confidence
        distance = distance / self.max_distance
        accepted = (confidence >= least) & (distance <= (max_distance or 1.0))
        rows = zip(
            best.tolist(), confidence.tolist(), distance.tolist(), accepted.tolist(), strict=True
        )
        return [Verdict(self.modalities[index], *numbers) for index, *numbers in rows]

    def loss(self, thumbnails: Tensor, modalities: Sequence[str]) -> dict[str, Tensor]:
        """Remember thumbnails and learn from a balanced draw of all that are remembered.

        Args:
            thumbnails: (B, 3, 64, 64), uint8.
            modalities: Modality of each.

        Returns:
            ``loss_modality``, a scalar.

        Raises:
            ValueError: A modality that it was not built for.
        """
        self._memory.add(thumbnails.detach(), [self._class_of(m) for m in modalities])
        known, classes = known_batch(self._memory, self.known_per_step)
        count = self.foreign_per_step
        foreign = foreign_batch(self._memory, count, self.modalities, self._rng)
        logits, _ = self(torch.cat([known, foreign]).to(self.fc.weight.device))
        none_of_them = classes.new_full((count,), len(self.modalities))
        loss = F.cross_entropy(logits[: len(known)], classes.to(logits.device))
        loss = loss + F.cross_entropy(logits[len(known) :], none_of_them.to(logits.device))
        return dict(loss_modality=self.loss_weight * loss)

    @torch.no_grad()
    def calibrate(
        self, thumbnails: Tensor, modalities: Sequence[str], keep: float = 0.985
    ) -> dict[str, float]:
        """Fit the distances to the memory, and set both bounds on images not trained on.

        Each bound alone passes ``1 - (1 - keep) / 2`` of the images, so both pass ``keep`` or more.

        Args:
            thumbnails: (N, 3, 64, 64), uint8, of known modalities.
            modalities: Modality of each.
            keep: Share of the images to pass, 0..1.

        Returns:
            ``accuracy`` and ``kept`` on these images, ``min_confidence``.

        Raises:
            ValueError: No image, an unknown modality, a bad ``keep``, or nothing was trained on.
        """
        if not 0 < keep <= 1 or not len(thumbnails):
            raise ValueError(
                f'calibrate needs images and keep in (0, 1], got {len(thumbnails)} and {keep!r}.'
            )
        if not self._memory.classes:
            raise ValueError('calibrate follows training in the same process; train first.')
        classes = self.fc.weight.new_tensor([self._class_of(m) for m in modalities]).long()
        known, of = self._memory.all()
        known = torch.cat([known, framed_views(known.float())])
        self.distance.fit(self._batched(known)[1], of.repeat(2))
        confidence, distance, best = self._scores(thumbnails)
        share = (1 - keep) / 2
        self.min_confidence.copy_(_quantile(confidence, share))
        self.max_distance.copy_(-_quantile(-distance, share))
        passed = (confidence >= self.min_confidence) & (distance <= self.max_distance)
        return dict(
            accuracy=(best == classes).float().mean().item(),
            kept=passed.float().mean().item(),
            min_confidence=self.min_confidence.item(),
        )

    def _scores(self, thumbnails: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Confidence, distance and class of the likeliest modality, each (N,)."""
        logits, statistics = self._batched(thumbnails)
        confidence, best = logits.softmax(1)[:, :-1].max(1)
        return confidence, self.distance(statistics), best

    def _batched(self, thumbnails: Tensor) -> tuple[Tensor, Tensor]:
        device = self.fc.weight.device
        parts = [self(part.to(device)) for part in thumbnails.split(_BATCH)]
        return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])

    def _class_of(self, modality: str) -> int:
        try:
            return self.modalities.index(modality)
        except ValueError:
            raise ValueError(
                f'ModalityClassifier: modality {modality!r} is none of '
                f'{", ".join(self.modalities)}; training needs the modality of every image.'
            ) from None


def _quantile(values: Tensor, share: float) -> Tensor:
    """The value that a share of the values lies below, one of them."""
    ordered = values.sort().values
    return ordered[int(share * len(ordered))]


def _encode(names: Sequence[str]) -> Tensor:
    """Names as bytes, since a state dict holds tensors alone."""
    return torch.tensor(list(json.dumps(list(names)).encode()), dtype=torch.uint8)


def _decode(names: Tensor) -> list[str]:
    return json.loads(bytes(names.tolist()))
