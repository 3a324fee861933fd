"""Tell a router in a stock detector what modality each image has."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

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
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Preprocess as the parent does; an image without the field has modality None."""
        data = super().forward(data, training)
        samples = data.get('data_samples')
        found: Any = None
        if samples is not None:
            found = tuple(sample.metainfo.get('modality') for sample in samples)
        _MODALITIES.set(found)
        return data
