"""Precision at each recall, of which AP50 is the mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .coco_evaluator import count_truth, run_evaluator
from .image_detections import ImageDetections

__all__ = ['RECALLS', 'precision_curve']

RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO reads precision."""


def precision_curve(
    images: Sequence[ImageDetections],
    num_labels: int,
    *,
    iou_threshold: float = 0.5,
    max_detections: int = 100,
) -> npt.NDArray[np.float64]:
    """COCO's interpolated precision, averaged over the labels with truth.

    Args:
        images: Any number of images.
        num_labels: K, the number of labels.
        iou_threshold: Least IoU of a match, in (0, 1].
        max_detections: Best-scored detections kept per image and label.

    Returns:
        [101] precision at :data:`RECALLS`, falling; its mean is AP at the threshold. NaN without
        truth.

    Raises:
        ValueError: If a label is out of range or a value is not finite.
    """
    has_truth = count_truth(images, num_labels) > 0
    if not has_truth.any():
        return np.full(len(RECALLS), np.nan)
    evaluator = run_evaluator(
        images, num_labels, thresholds=[iou_threshold], max_detections=(max_detections,)
    )
    precision = np.asarray(evaluator.eval['precision'])[0, :, :, 0, 0]
    return precision[:, has_truth].mean(axis=1)
