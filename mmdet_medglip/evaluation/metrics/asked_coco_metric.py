"""MMDetection's COCO metric, for masks, over the labels that an image was asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmdet.evaluation import CocoMetric

from mmdet_medglip.registry import METRICS

from .samples import asked_labels, class_index, read_field

__all__ = ['AskedCocoMetric']


@METRICS.register_module()
class AskedCocoMetric(CocoMetric):
    """MMDetection's ``CocoMetric`` of a detector of fixed labels, such as AP of its masks.

    A label that an image's source does not annotate may be on the image all the same, so boxes and
    masks of labels that were not asked (``phrase_labels``) are left out before they are judged, as
    :class:`MedCocoMetric` does. Truth is that of ``instances``; for masks the data set needs
    ``masks=True``.

    Args:
        metric: ``'segm'``, ``'bbox'`` or a list of them.
        kwargs: As in mmdet's ``CocoMetric``, without ``ann_file``.
    """

    def __init__(self, metric: str | list[str] = 'segm', **kwargs: Any) -> None:
        super().__init__(metric=metric, **kwargs)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what was asked of a batch.

        Raises:
            ValueError: If a sample lacks a field, or masks are judged and an instance has none.
        """
        index = class_index(self.dataset_meta)
        super().process(data_batch, [self._asked(sample, index) for sample in data_samples])

    def _asked(self, sample: Mapping[str, Any], index: Mapping[str, int]) -> dict[str, Any]:
        instances = read_field(sample, 'instances')
        if 'segm' in self.metrics and any(not instance.get('mask') for instance in instances):
            raise ValueError(
                f'Image {sample.get("img_id")!r}: an instance has no mask to judge masks by; give '
                'the data set masks=True.'
            )
        found = read_field(sample, 'pred_instances')
        asked = torch.tensor(asked_labels(sample, index), device=found['labels'].device)
        kept = torch.isin(found['labels'], asked)
        return {**sample, 'pred_instances': {key: _of(found[key], kept) for key in found}}


def _of(values: Any, kept: torch.Tensor) -> Any:
    """Entries of a tensor or of a list of masks."""
    if isinstance(values, torch.Tensor):
        return values[kept]
    return [values[i] for i in np.flatnonzero(kept.cpu().numpy())]
