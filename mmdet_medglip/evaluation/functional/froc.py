"""FROC: how many of the truth boxes are found at a number of false boxes per image.

Definition (van Ginneken et al. 2010; Setio et al., LUNA16): over all score thresholds, sensitivity
is the share of the truth boxes that are found, against false boxes per image; it is read at 1/8,
1/4, 1/2, 1, 2, 4 and 8 false boxes per image, and their mean is the CPM. Between two thresholds the
curve is linear, as in LUNA16's and MONAI's programs; beyond the last threshold it stays.

A box finds a truth box by COCO's greedy matching at an IoU threshold; boxes in a crowd are neither
right nor false. LUNA16 asks for the centre within the nodule's radius instead; IoU 0.1 is what
nnDetection takes for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .coco_evaluator import ALL_SIZES, evaluate_images
from .image_detections import ImageDetections

__all__ = ['FALSE_BOXES', 'Froc', 'FrocCurve', 'FrocPool', 'froc']

FALSE_BOXES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False boxes per image at which sensitivity is read."""


@dataclass(frozen=True)
class FrocCurve:
    """Sensitivity over false boxes per image, from the highest score threshold down.

    Attributes:
        threshold: [T] falling score thresholds; the first is infinite.
        false_boxes: [T] false boxes per image, rising from 0; NaN without images.
        sensitivity: [T] share of the truth boxes found, rising from 0; NaN without truth.
        num_images: Images that were asked.
        num_truth: Truth boxes that count.
    """

    threshold: npt.NDArray[np.float64]
    false_boxes: npt.NDArray[np.float64]
    sensitivity: npt.NDArray[np.float64]
    num_images: int
    num_truth: int

    def at(self, false_boxes: Sequence[float] = FALSE_BOXES) -> npt.NDArray[np.float64]:
        """Sensitivity at numbers of false boxes per image; NaN without truth."""
        if not self.num_truth:
            return np.full(len(false_boxes), np.nan)
        return np.interp(false_boxes, self.false_boxes, self.sensitivity)

    @property
    def cpm(self) -> float:
        """Mean sensitivity at :data:`FALSE_BOXES`, in [0, 1]; NaN without truth."""
        return float(self.at().mean())


@dataclass(frozen=True)
class Froc:
    """FROC of every label, and of all together.

    Attributes:
        pooled: Boxes of all labels in one curve (each still matched to truth of its own label),
            over all images that were asked for any label, as nnDetection does it.
        per_label: [K] over the images that were asked for the label.
    """

    pooled: FrocCurve
    per_label: tuple[FrocCurve, ...]


def froc(
    images: Sequence[ImageDetections],
    num_labels: int,
    *,
    iou_threshold: float = 0.1,
    max_detections: int = 100,
    area: tuple[float, float] = ALL_SIZES,
) -> Froc:
    """FROC over images of which each was asked for some of the labels.

    Args:
        images: Any number of images.
        num_labels: K, the number of labels.
        iou_threshold: Least IoU of a box with the truth it finds, in (0, 1].
        max_detections: Best-scored detections kept per image and label.
        area: Least and largest area of truth that counts, in square pixels.

    Returns:
        The curves.

    Raises:
        ValueError: If a label is out of range, a value is not finite or the threshold is not in
            (0, 1].
    """
    pool = FrocPool(num_labels)
    for item in evaluate_images(images, num_labels, max_detections, iou_threshold, area):
        counts = ~np.asarray(item['dtIgnore'])[0].astype(bool)
        pool.add(
            item['category_id'],
            np.asarray(item['dtScores'], np.float64)[counts],
            (np.asarray(item['dtMatches'])[0] > 0)[counts],
            int((np.asarray(item['gtIgnore']) == 0).sum()),
        )
    return pool.froc([image.asked for image in images])


class FrocPool:
    """Detections that were matched, label by label, until their curves are drawn.

    Args:
        num_labels: K, the number of labels.
    """

    def __init__(self, num_labels: int) -> None:
        self._scores: list[list[npt.NDArray]] = [[] for _ in range(num_labels)]
        self._true: list[list[npt.NDArray]] = [[] for _ in range(num_labels)]
        self._num_truth = np.zeros(num_labels, np.int64)

    def add(
        self,
        label: int,
        scores: npt.NDArray[np.float64],
        true: npt.NDArray[np.bool_],
        num_truth: int,
    ) -> None:
        """Add the detections of one label on one image or volume, and its number of truth boxes."""
        self._scores[label].append(scores)
        self._true[label].append(true)
        self._num_truth[label] += num_truth

    def froc(self, asked: Sequence[npt.NDArray[np.int64]]) -> Froc:
        """Draw the curves.

        Args:
            asked: Labels that each image or volume was asked for.
        """
        num_asked = np.zeros(len(self._scores), np.int64)
        for labels in asked:
            num_asked[np.unique(labels)] += 1
        joined = [
            (np.concatenate([np.empty(0), *s]), np.concatenate([np.empty(0, bool), *t]))
            for s, t in zip(self._scores, self._true, strict=True)
        ]
        every = [np.concatenate([np.empty(0), *part]) for part in zip(*joined, strict=True)] or [
            np.empty(0)
        ] * 2
        any_label = sum(len(labels) > 0 for labels in asked)
        return Froc(
            _curve(every[0], every[1].astype(bool), any_label, int(self._num_truth.sum())),
            tuple(
                _curve(*pair, int(images), int(truth))
                for pair, images, truth in zip(joined, num_asked, self._num_truth, strict=True)
            ),
        )


def _curve(
    scores: npt.NDArray[np.float64], true: npt.NDArray[np.bool_], num_images: int, num_truth: int
) -> FrocCurve:
    order = np.argsort(-scores, kind='stable')
    scores, true = scores[order], true[order]
    # Boxes of one score are answered together.
    last = (
        np.flatnonzero(np.append(np.diff(scores) != 0, True)) if len(scores) else np.empty(0, int)
    )
    with np.errstate(invalid='ignore', divide='ignore'):
        found = np.append(0, np.cumsum(true)[last]) / np.float64(num_truth)
        false = np.append(0, np.cumsum(~true)[last]) / np.float64(num_images)
    return FrocCurve(np.append(np.inf, scores[last]), false, found, num_images, num_truth)
