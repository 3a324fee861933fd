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

__all__ = ['FALSE_BOXES', 'Froc', 'FrocCurve', 'froc']

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
    scores: list[list[npt.NDArray]] = [[] for _ in range(num_labels)]
    true: list[list[npt.NDArray]] = [[] for _ in range(num_labels)]
    num_truth = np.zeros(num_labels, np.int64)
    for item in evaluate_images(images, num_labels, max_detections, iou_threshold, area):
        label = item['category_id']
        counts = ~np.asarray(item['dtIgnore'])[0].astype(bool)
        scores[label].append(np.asarray(item['dtScores'], np.float64)[counts])
        true[label].append((np.asarray(item['dtMatches'])[0] > 0)[counts])
        num_truth[label] += int((np.asarray(item['gtIgnore']) == 0).sum())
    asked = np.zeros(num_labels, np.int64)
    for image in images:
        asked[np.unique(image.asked)] += 1
    joined = [
        (np.concatenate([np.empty(0), *s]), np.concatenate([np.empty(0, bool), *t]))
        for s, t in zip(scores, true, strict=True)
    ]
    every = [np.concatenate([np.empty(0), *part]) for part in zip(*joined, strict=True)] or [
        np.empty(0)
    ] * 2
    any_label = sum(len(image.asked) > 0 for image in images)
    return Froc(
        _curve(every[0], every[1].astype(bool), any_label, int(num_truth.sum())),
        tuple(
            _curve(*joined[label], int(asked[label]), int(num_truth[label]))
            for label in range(num_labels)
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
