"""Tell a router in a stock detector what modality each image has."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor

from mmdet_medglip.registry import MODELS

__all__ = ['ModalityDataPreprocessor', 'current_modalities']

_MODALITIES: ContextVar[tuple[str | None, ...] | None] = ContextVar('modalities', default=None)


def current_modalities() -> tuple[str | None, ...] | None:
    """Modalities of the batch that was preprocessed last in this thread, None without one."""
    return _MODALITIES.get()


@MODELS.register_module()
class ModalityDataPreprocessor(DetDataPreprocessor):
    """``DetDataPreprocessor`` that announces ``metainfo['modality']`` of the batch.

    MMDetection's detectors hand a backbone the images alone. With this preprocessor a
    :class:`ModalityRouter` can stand in any of them::

        model = dict(
            type='mmdet.RetinaNet',
            data_preprocessor=dict(type='mmdet_medglip.ModalityDataPreprocessor', ...),
            backbone=dict(type='mmdet_medglip.ModalityRouter', experts=...),
            ...)

    Args:
        channels_last: Lay images out channels last in memory where that is faster, which is in
            evaluation on a CPU; values stay as they are. Convolutions follow the layout of their
            input: the default backbone takes three quarters of the time so. It trains no faster.
        kwargs: As in mmdet's ``DetDataPreprocessor``.
    """

    def __init__(self, channels_last: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels_last = channels_last

    def forward(self, data: dict, training: bool = False) -> dict:
        """Preprocess as the parent does; an image without the field has modality None."""
        data = super().forward(data, training)
        samples = data.get('data_samples')
        found: Any = None
        if samples is not None:
            found = tuple(sample.metainfo.get('modality') for sample in samples)
        _MODALITIES.set(found)
        images = data['inputs']
        if self.channels_last and not training and images.device.type == 'cpu':
            data['inputs'] = images.contiguous(memory_format=torch.channels_last)
        return data
