"""Average precision of 3-D boxes.

Definition (Baumgartner et al. 2021, nnDetection; ``nndet/evaluator/detection/coco.py`` at commit
0b578ab, Apache-2.0): COCO's, with 3-D IoU. Detections of all volumes are matched at an IoU
threshold and sorted by score; precision, made monotone, is averaged over 101 recalls. The figures
are AP at IoU 0.10 and the mean over 0.10:0.05:0.50: boxes of small lesions rarely overlap more, and
finding them is what matters. Two things differ from that program: the mean is over labels with
truth only, where nnDetection counts -1 for the others, and a crowd can be found by several
detections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .average_precision import nan_mean
from .precision_recall import RECALLS
from .volume_detections import MatchedVolume, VolumeDetections, match_volumes

__all__ = ['VOLUME_IOUS', 'VolumeAveragePrecision', 'volume_average_precision']

VOLUME_IOUS = tuple(round(0.1 + 0.05 * step, 2) for step in range(9))
"""IoU thresholds, 0.10:0.05:0.50."""


@dataclass(frozen=True, eq=False)
class VolumeAveragePrecision:
    """AP of every label at every threshold; NaN where there is no truth.

    Attributes:
        thresholds: T IoU thresholds.
        ap: [T, K] AP.
        num_truth: [K] truth boxes that count.
    """

    thresholds: tuple[float, ...]
    ap: npt.NDArray[np.float64]
    num_truth: npt.NDArray[np.int64]

    @property
    def per_label(self) -> npt.NDArray[np.float64]:
        """[K] mean over thresholds."""
        return self.ap.mean(axis=0)

    @property
    def mean(self) -> float:
        """Mean over thresholds and the labels with truth; NaN if there are none."""
        return nan_mean(self.per_label)

    def at(self, threshold: float) -> float:
        """Mean over the labels with truth at one threshold; NaN if there are none.

        Raises:
            ValueError: It is none of ``thresholds``.
        """
        if threshold not in self.thresholds:
            raise ValueError(f'threshold must be one of {self.thresholds}, got {threshold}.')
        return nan_mean(self.ap[self.thresholds.index(threshold)])


def volume_average_precision(
    volumes: Sequence[VolumeDetections],
    num_labels: int,
    *,
    thresholds: Sequence[float] = VOLUME_IOUS,
    max_detections: int = 100,
) -> VolumeAveragePrecision:
    """AP of 3-D boxes over the volumes that were asked for each label.

    Args:
        volumes: Any number of volumes; none gives NaN everywhere.
        num_labels: K, the number of labels.
        thresholds: IoU thresholds.
        max_detections: Best-scored detections kept per volume and label.

    Returns:
        AP per threshold and label.

    Raises:
        ValueError: A label or threshold is out of range, or a value is not finite.

    Example:
        >>> box, label = np.array([[0, 0, 0, 9, 9, 9]]), np.array([0])
        >>> volume = VolumeDetections(box, np.array([0.9]), label, box, label, np.array([False]),
        ...     asked=label)
        >>> volume_average_precision([volume], 2).at(0.1)
        1.0
    """
    matched = match_volumes(volumes, num_labels, thresholds, max_detections)
    ap = np.full((len(thresholds), num_labels), np.nan)
    num_truth = np.zeros(num_labels, np.int64)
    for label in range(num_labels):
        own = [one for one in matched if one.label == label]
        num_truth[label] = sum(one.num_truth for one in own)
        if num_truth[label]:
            ap[:, label] = _ap(own, int(num_truth[label]))
    return VolumeAveragePrecision(tuple(thresholds), ap, num_truth)


def _ap(matched: Sequence[MatchedVolume], num_truth: int) -> list[float]:
    """AP of one label at each threshold."""
    order = np.argsort(-np.concatenate([one.scores for one in matched]), kind='stable')
    found = np.concatenate([one.found for one in matched], axis=1)[:, order]
    ignored = np.concatenate([one.ignored for one in matched], axis=1)[:, order]
    values = []
    for hits, skipped in zip(found, ignored, strict=True):
        counted = hits[~skipped]
        right = np.cumsum(counted)
        precision = right / np.arange(1, len(counted) + 1)
        # The best precision at this recall or a higher one; none beyond the last detection.
        best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
        values.append(float(best[np.searchsorted(right / num_truth, RECALLS)].mean()))
    return values
