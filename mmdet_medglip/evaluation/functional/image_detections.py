"""Truth and detections of one image, as the detection measures take them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ['ImageDetections', 'check_images']


@dataclass(frozen=True)
class ImageDetections:
    """Truth and detections of one image; labels are integers in [0, number of labels).

    Args:
        boxes: [P, 4] detected boxes, xyxy in pixels; P = 0 is an image without detections.
        scores: [P] finite scores, higher is surer.
        labels: [P] label of each detection.
        gt_boxes: [G, 4] truth, same frame as ``boxes``; G = 0 is a negative image.
        gt_labels: [G] label of each truth box.
        gt_ignore: [G] bool, true for crowd boxes.
        asked: [A] labels that the image was asked for; other labels are left out.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    gt_boxes: npt.NDArray[np.float32]
    gt_labels: npt.NDArray[np.int64]
    gt_ignore: npt.NDArray[np.bool_]
    asked: npt.NDArray[np.int64]


def check_images(images: Sequence[ImageDetections], num_labels: int) -> None:
    """Check labels and values.

    Raises:
        ValueError: A label is not in [0, ``num_labels``), or a score or box is not finite.
    """
    for number, image in enumerate(images):
        for name in ('labels', 'gt_labels', 'asked'):
            labels = getattr(image, name)
            if len(labels) and not (labels.min() >= 0 and labels.max() < num_labels):
                raise ValueError(
                    f'Image {number}: `{name}` must lie in [0, {num_labels}), got '
                    f'{labels.min()} to {labels.max()}.'
                )
        if not (np.isfinite(image.scores).all() and np.isfinite(image.boxes).all()):
            raise ValueError(
                f'Image {number}: scores and boxes must be finite; the model that made them has '
                'probably diverged.'
            )
