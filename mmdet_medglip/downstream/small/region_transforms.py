"""Regions through the transforms of detection, which move and cut boxes with the image."""

from __future__ import annotations

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmdet_medglip.datasets.transforms import PackGroundingInputs
from mmdet_medglip.registry import TRANSFORMS

__all__ = ['LoadRegions', 'PackRegionInputs']

_META_KEYS = (
    'img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'modality', 'source',
    'patient_id', 'region_words',
)  # fmt: skip


@TRANSFORMS.register_module()
class LoadRegions(BaseTransform):
    """Hand regions to transforms as if they were annotations.

    Required keys: ``region_boxes``. Added keys: ``gt_bboxes``, ``gt_bboxes_labels`` (the number of
    each region, so that those which leave the image are known) and ``gt_ignore_flags``.
    """

    def transform(self, results: dict) -> dict:
        """Add the keys."""
        boxes = np.array(results['region_boxes'], np.float32).reshape(-1, 4)
        results['gt_bboxes'] = HorizontalBoxes(torch.from_numpy(boxes))
        results['gt_bboxes_labels'] = np.arange(len(boxes), dtype=np.int64)
        results['gt_ignore_flags'] = np.zeros(len(boxes), bool)
        return results


@TRANSFORMS.register_module()
class PackRegionInputs(PackGroundingInputs):
    """Pack image and regions.

    The sample has ``regions`` with ``bboxes`` (N, 4) in pixels of the network's input and
    ``scores`` (N,), and in its metainfo ``region_words`` of these N. Boxes without area are left
    out.
    """

    def __init__(self) -> None:
        super().__init__(meta_keys=_META_KEYS)

    def transform(self, results: dict) -> dict:
        """Pack."""
        words, scores = results['region_words'], results['region_scores']
        packed = super().transform(results)
        sample = packed['data_samples']
        boxes, numbers = sample.gt_instances.bboxes, sample.gt_instances.labels
        boxes = getattr(boxes, 'tensor', boxes)
        kept = (boxes[:, 2:] > boxes[:, :2]).all(1)
        boxes, numbers = boxes[kept], numbers[kept].tolist()
        score = torch.tensor([float(scores[number]) for number in numbers])
        sample.regions = InstanceData(bboxes=boxes, scores=score)
        sample.set_metainfo({'region_words': [words[number] for number in numbers]})
        del sample.gt_instances, sample.ignored_instances
        return packed
