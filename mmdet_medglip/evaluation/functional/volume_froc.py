"""FROC of 3-D boxes, by volume: :mod:`.froc` with 3-D IoU and volumes instead of images."""

from __future__ import annotations

from collections.abc import Sequence

from .froc import Froc, FrocPool
from .volume_detections import VolumeDetections, match_volumes

__all__ = ['volume_froc']


def volume_froc(
    volumes: Sequence[VolumeDetections],
    num_labels: int,
    *,
    iou_threshold: float = 0.1,
    max_detections: int = 100,
) -> Froc:
    """Sensitivity over false boxes per volume, as nnDetection reports it.

    Args:
        volumes: Any number of volumes.
        num_labels: K, the number of labels.
        iou_threshold: Least 3-D IoU of a box with the truth it finds, in (0, 1].
        max_detections: Best-scored detections kept per volume and label.

    Returns:
        The curves, pooled and per label, over the volumes that were asked.

    Raises:
        ValueError: A label or the threshold is out of range, or a value is not finite.
    """
    pool = FrocPool(num_labels)
    for one in match_volumes(volumes, num_labels, [iou_threshold], max_detections):
        counts = ~one.ignored[0]
        pool.add(one.label, one.scores[counts], one.found[0][counts], one.num_truth)
    return pool.froc([volume.asked for volume in volumes])
