"""Images of a batch by their own padded size, so that none sees what pads it beside larger ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

__all__ = ['alike']


def alike(images: Tensor, samples: Sequence[DetDataSample]) -> list[tuple[list[int], Tensor]]:
    """Part a batch by the size that each image is padded to when it is alone.

    What pads an image is not invisible: behind the first normalisation it is no longer zero, and
    tokens attend to it. So an image that is padded to a larger one of its batch would be answered
    otherwise than alone.

    Args:
        images: (B, 3, H, W), padded below and to the right.
        samples: With ``pad_shape``, height and width that mmdet's ``DetDataPreprocessor`` would
            pad the image to if it were alone; without it, that of the batch.

    Returns:
        Rows of each size and their images, without what larger ones padded them with; the batch
        itself if all are of its size.
    """
    height, width = images.shape[-2:]
    groups: dict[tuple[int, int], list[int]] = {}
    for row, sample in enumerate(samples):
        own = sample.metainfo.get('pad_shape', (height, width))
        groups.setdefault((min(own[0], height), min(own[1], width)), []).append(row)
    if len(groups) == 1:
        return [(list(range(len(images))), images)]
    last = images.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    return [
        (rows, images[rows, :, : size[0], : size[1]].contiguous(memory_format=layout))
        for size, rows in groups.items()
    ]
