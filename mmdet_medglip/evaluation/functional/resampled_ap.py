"""AP50 of many selections of the same images, which are matched once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .average_precision import nan_mean
from .coco_evaluator import ALL_SIZES, evaluate_images
from .image_detections import ImageDetections
from .precision_recall import RECALLS

__all__ = ['MacroAP50', 'ResampledAP50']


class _Label(NamedTuple):
    """Detections of one label on all images, best first, without those inside crowds.

    Attributes:
        image: [N] image of each.
        true: [N] 1 if matched to a truth box at IoU 0.5, else 0.
        num_truth: [I] truth boxes of each image that count.
    """

    image: npt.NDArray[np.int64]
    true: npt.NDArray[np.int64]
    num_truth: npt.NDArray[np.int64]


class ResampledAP50:
    """AP50 per label of any images of a set, with repetitions, as a bootstrap asks for it.

    How boxes and truth of an image match does not depend on other images, so the COCO evaluator
    matches once, and a selection only says how often each image counts. The figures are those of
    :func:`average_precision`, where equal scores stand in the order of the set.

    Args:
        images: The set.
        num_labels: K, the number of labels.
        max_detections: Best-scored detections kept per image and label.
        area: Least and largest area of truth that counts, in square pixels.

    Attributes:
        num_images: Images of the set.

    Raises:
        ValueError: If a label is out of range or a score is not finite.
    """

    def __init__(
        self,
        images: Sequence[ImageDetections],
        num_labels: int,
        max_detections: int = 100,
        area: tuple[float, float] = ALL_SIZES,
    ) -> None:
        self.num_images = len(images)
        parts: list[list[tuple[npt.NDArray, ...]]] = [[] for _ in range(num_labels)]
        num_truth = np.zeros((num_labels, len(images)), np.int64)
        for item in evaluate_images(images, num_labels, max_detections, area=area):
            label, image = item['category_id'], item['image_id']
            counts = ~np.asarray(item['dtIgnore'])[0].astype(bool)
            scores = np.asarray(item['dtScores'], np.float64)[counts]
            true = (np.asarray(item['dtMatches'])[0] > 0)[counts]
            parts[label].append((scores, true, np.full(len(scores), image)))
            num_truth[label, image] = (np.asarray(item['gtIgnore']) == 0).sum()
        self._labels = [_sorted(of, truth) for of, truth in zip(parts, num_truth, strict=True)]

    def __call__(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """AP50 of each label over some images.

        Args:
            rows: Indices of images, with repetitions.

        Returns:
            [K], NaN where a label has no truth there.
        """
        weights = np.bincount(rows, minlength=self.num_images)
        return np.array([_ap50(label, weights) for label in self._labels], np.float64)

    def among(self, images: npt.NDArray[np.bool_]) -> ResampledAP50:
        """Return the same for rows of some images only, which it is faster for.

        Args:
            images: [num_images] those that rows will be of; other rows count as without boxes.
        """
        part = copy.copy(self)
        part._labels = [
            _Label(label.image[own], label.true[own], label.num_truth * images)
            for label in self._labels
            for own in [images[label.image]]
        ]
        return part


class MacroAP50:
    """AP50 of each modality, and their mean: the measure that no large modality dominates.

    Args:
        ap50: Of the set.
        modalities: Modality of each image of the set.

    Raises:
        ValueError: If the lengths differ.
    """

    def __init__(self, ap50: ResampledAP50, modalities: Sequence[str]) -> None:
        if ap50.num_images != len(modalities):
            raise ValueError(
                f'Expected a modality per image, got {len(modalities)} for {ap50.num_images}.'
            )
        names = np.array(modalities, dtype=np.str_)
        self._own = {name: names == name for name in sorted(set(modalities))}
        self._ap50 = {name: ap50.among(own) for name, own in self._own.items()}

    def by_modality(self, rows: npt.NDArray[np.int64]) -> dict[str, float]:
        """AP50 of each modality over some images: the mean over its labels with truth there.

        Args:
            rows: Indices of images, with repetitions.

        Returns:
            Modality to value, NaN without truth.
        """
        return {
            name: nan_mean(self._ap50[name](rows[own[rows]])) for name, own in self._own.items()
        }

    def __call__(self, rows: npt.NDArray[np.int64]) -> float:
        """Mean of :meth:`by_modality` over the modalities with truth; NaN without any."""
        return nan_mean(np.array(list(self.by_modality(rows).values())))


def _sorted(parts: Sequence[tuple[npt.NDArray, ...]], num_truth: npt.NDArray[np.int64]) -> _Label:
    if not parts:
        return _Label(np.empty(0, np.int64), np.empty(0, np.int64), num_truth)
    scores, true, image = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.argsort(-scores, kind='stable')
    return _Label(image[order], true[order].astype(np.int64), num_truth)


def _ap50(label: _Label, weights: npt.NDArray[np.int64]) -> float:
    num_truth = int(label.num_truth @ weights)
    if not num_truth:
        return float('nan')
    weight = weights[label.image]
    hits, answers = np.cumsum(weight * label.true), np.cumsum(weight)
    precision = hits / np.maximum(answers, np.finfo(np.float64).eps)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(hits / num_truth, RECALLS, side='left')
    return float(np.append(envelope, 0.0)[np.minimum(at, len(envelope))].mean())
