"""The modality classifier as a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.model import BaseModel
from torch import Tensor

from mmdet_medglip.registry import MODELS
from mmdet_medglip.routing import follow

__all__ = ['ModalityRecognizer', 'thumbnails_of']


@MODELS.register_module()
class ModalityRecognizer(BaseModel):
    """Train and test a :class:`ModalityClassifier` without a detector.

    Its weights have the names that they have in a :class:`MedGLIP`, so that either checkpoint
    serves ``RouteModality``.

    Args:
        modality_classifier: Config of the classifier.
        data_preprocessor, init_cfg: As in mmengine.
    """

    def __init__(
        self,
        modality_classifier: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.modality_classifier = MODELS.build(modality_classifier)

    def forward(
        self, inputs: Any, data_samples: Sequence[DetDataSample] = (), mode: str = 'tensor'
    ) -> Any:
        """Judge the thumbnails of a batch; the images themselves are not looked at.

        Args:
            inputs: Not used.
            data_samples: With ``modality_thumbnail``; in training with ``modality``.
            mode: ``'loss'``; ``'predict'``, which gives each sample ``routing``; or ``'tensor'``.

        Returns:
            Losses by name, the samples, or logits (B, K + 1).

        Raises:
            ValueError: A sample without thumbnail.
        """
        thumbnails = thumbnails_of(data_samples)
        if mode == 'loss':
            return self.modality_classifier.loss(thumbnails, [s.modality for s in data_samples])
        if mode == 'tensor':
            return self.modality_classifier(thumbnails)[0]
        verdicts = self.modality_classifier.predict(thumbnails)
        for sample, verdict in zip(data_samples, verdicts, strict=True):
            sample.set_metainfo(dict(routing=follow(verdict)._asdict()))
        return list(data_samples)


def thumbnails_of(samples: Sequence[DetDataSample]) -> Tensor:
    """Thumbnails of a batch, uint8 (B, 3, 64, 64).

    Raises:
        ValueError: A sample without one; the image is named.
    """
    for sample in samples:
        if 'modality_thumbnail' not in sample:
            raise ValueError(
                f'Image {sample.metainfo.get("img_path")} has no modality_thumbnail: put '
                'ModalityThumbnail behind LoadMedImage in the pipeline.'
            )
    return torch.stack([sample.modality_thumbnail for sample in samples])
