"""Samples as the pipeline packs them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

__all__ = ['make_sample']


def make_sample(
    text: object,
    modality: str | None = 'ct',
    boxes: Sequence[Sequence[float]] = (),
    labels: Sequence[int] = (),
    shape: tuple[int, int] = (128, 128),
    **meta: object,
) -> DetDataSample:
    """Make a sample.

    Args:
        text: The prompt.
        modality: Of the image.
        boxes: Truth, half open, in network pixels; may be none.
        labels: Index of the phrase of each box.
        shape: Height and width of the network's input in pixels.
        meta: Further fields, or other values of those that are set.
    """
    sample = DetDataSample(
        metainfo=dict(
            text=text,
            modality=modality,
            img_shape=shape,
            ori_shape=shape,
            scale_factor=(1.0, 1.0),
            pad_shape=shape,
            img_path='image.png',
        )
        | meta
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.long),
    )
    return sample
