"""Images with detections and truth, written in a line."""

from collections.abc import Iterable, Sequence

import numpy as np

from mmdet_medglip.evaluation.functional import ImageDetections

__all__ = ['image']


def image(
    found: Sequence[tuple[int, float, Sequence[float]]] = (),
    truth: Sequence[tuple[int, Sequence[float]]] = (),
    asked: Iterable[int] = (0, 1),
    crowd: Iterable[int] = (),
) -> ImageDetections:
    """Detections are (label, score, box), truth is (label, box), ``crowd`` positions of truth."""
    return ImageDetections(
        boxes=np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], np.float32),
        labels=np.array([label for label, _, _ in found], np.int64),
        gt_boxes=np.array([box for _, box in truth], np.float32).reshape(-1, 4),
        gt_labels=np.array([label for label, _ in truth], np.int64),
        gt_ignore=np.array([number in crowd for number in range(len(truth))], bool),
        asked=np.array(list(asked), np.int64),
    )
