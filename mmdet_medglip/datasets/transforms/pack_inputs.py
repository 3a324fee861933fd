"""Pack a record for model, metrics and pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from mmdet.datasets.transforms import PackDetInputs

from mmdet_medglip.registry import TRANSFORMS

from ..meta_keys import GROUNDING_META_KEYS

__all__ = ['PackGroundingInputs']


@TRANSFORMS.register_module()
class PackGroundingInputs(PackDetInputs):
    """mmdet's ``PackDetInputs`` with the keys that grounding needs.

    ``gt_bboxes_phrases``, if there, becomes ``gt_instances.phrases``: bool (boxes, phrases), all
    phrases of the prompt that are true for a box. What ``ModalityThumbnail`` adds becomes the field
    ``modality_thumbnail`` of the sample, uint8 (3, 64, 64), which moves to the model's device with
    it. An image that was not resized gets ``scale_factor`` (1, 1), which detectors rescale by.

    Args:
        meta_keys: Keys of the record that go to ``metainfo``; absent ones are skipped.
    """

    mapping_table = PackDetInputs.mapping_table | {'gt_bboxes_phrases': 'phrases'}

    def __init__(self, meta_keys: Sequence[str] = GROUNDING_META_KEYS) -> None:
        super().__init__(meta_keys=tuple(meta_keys))

    def transform(self, results: dict) -> dict:
        """Pack as the parent does."""
        results.setdefault('scale_factor', (1.0, 1.0))
        packed = super().transform(results)
        thumbnail = results.get('modality_thumbnail')
        if thumbnail is not None:
            planes = np.ascontiguousarray(thumbnail.transpose(2, 0, 1))
            packed['data_samples'].modality_thumbnail = torch.from_numpy(planes)
        return packed
