"""Truth and detections of one volume, and which of them are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .boxes import pairwise_iou_3d

__all__ = ['MatchedVolume', 'VolumeDetections', 'match_volumes']


@dataclass(frozen=True, eq=False)
class VolumeDetections:
    """Truth and detections of one volume; labels are integers in [0, number of labels).

    Boxes are ``(x1, y1, z1, x2, y2, z2)``, in any one unit of each axis.

    Attributes:
        boxes: [P, 6] detected boxes; P = 0 is a volume without detections.
        scores: [P] finite scores, higher is surer.
        labels: [P] label of each detection.
        gt_boxes: [G, 6] truth; G = 0 is a negative volume.
        gt_labels: [G] label of each truth box.
        gt_ignore: [G] bool, true for crowds.
        asked: [A] labels that the volume was asked for; other labels are left out.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    gt_boxes: npt.NDArray[np.float64]
    gt_labels: npt.NDArray[np.int64]
    gt_ignore: npt.NDArray[np.bool_]
    asked: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MatchedVolume:
    """Detections of one label in one volume, the surest first.

    Attributes:
        label: The label.
        scores: [D] their scores.
        found: [T, D] whether each finds a truth box, at each of T thresholds.
        ignored: [T, D] whether each is neither right nor false, as it finds a crowd.
        num_truth: Truth boxes that count.
    """

    label: int
    scores: npt.NDArray[np.float64]
    found: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    num_truth: int


def match_volumes(
    volumes: Sequence[VolumeDetections],
    num_labels: int,
    thresholds: Sequence[float],
    max_detections: int = 100,
) -> list[MatchedVolume]:
    """Match detections to truth greedily, as COCO and nnDetection do.

    In the order of falling scores each detection takes, of the truth boxes of its label that none
    took yet, the one of largest IoU, if that reaches the threshold. If there is none, but a crowd
    whose IoU does, the detection is ignored; a crowd can be found by several.

    Args:
        volumes: Any number of volumes.
        num_labels: K, the number of labels.
        thresholds: Least IoU of a match, T of them, each in (0, 1].
        max_detections: Best-scored detections kept per volume and label.

    Returns:
        One entry for each volume and label that it was asked for, volume by volume.

    Raises:
        ValueError: A label, threshold or number is out of range, or a value is not finite.
    """
    if not all(0 < threshold <= 1 for threshold in thresholds):
        raise ValueError(f'IoU thresholds must lie in (0, 1], got {list(thresholds)}.')
    if max_detections < 1:
        raise ValueError(f'max_detections must be at least 1, got {max_detections}.')
    matched = []
    for number, volume in enumerate(volumes):
        _check(volume, number, num_labels)
        for label in np.unique(volume.asked).tolist():
            matched.append(_match(volume, label, thresholds, max_detections))
    return matched


def _match(
    volume: VolumeDetections, label: int, thresholds: Sequence[float], max_detections: int
) -> MatchedVolume:
    rows = np.flatnonzero(volume.labels == label)
    rows = rows[np.argsort(-volume.scores[rows], kind='stable')][:max_detections]
    truth = volume.gt_labels == label
    counts = np.flatnonzero(truth & ~volume.gt_ignore)
    crowds = np.flatnonzero(truth & volume.gt_ignore)
    overlap = pairwise_iou_3d(volume.boxes[rows], volume.gt_boxes[counts])
    in_crowd = pairwise_iou_3d(volume.boxes[rows], volume.gt_boxes[crowds])
    best_crowd = in_crowd.max(axis=1, initial=0.0)
    found = np.zeros((len(thresholds), len(rows)), bool)
    for step, threshold in enumerate(thresholds):
        left = overlap.copy()
        for row in range(len(rows) if len(counts) else 0):
            best = int(left[row].argmax())
            if left[row, best] >= threshold:
                found[step, row] = True
                left[:, best] = -1.0
    ignored = ~found & (best_crowd[None] >= np.asarray(thresholds)[:, None])
    return MatchedVolume(label, volume.scores[rows], found, ignored, len(counts))


def _check(volume: VolumeDetections, number: int, num_labels: int) -> None:
    for name in ('labels', 'gt_labels', 'asked'):
        labels = getattr(volume, name)
        if len(labels) and not (labels.min() >= 0 and labels.max() < num_labels):
            raise ValueError(
                f'Volume {number}: `{name}` must lie in [0, {num_labels}), got {labels.min()} to '
                f'{labels.max()}.'
            )
    for name in ('boxes', 'scores', 'gt_boxes'):
        if not np.isfinite(getattr(volume, name)).all():
            raise ValueError(f'Volume {number}: `{name}` must be finite.')
