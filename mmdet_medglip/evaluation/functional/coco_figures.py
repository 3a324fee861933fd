"""All figures of one COCO evaluation: AP at several overlaps, by size, and AR.

Each is a mean over the labels with truth; a label counts on the images that were asked for it (see
:mod:`.coco_evaluator`). At most 100 detections per image and label count, where no other number is
said.

- ``AP``, ``AP50``, ``AP75``: IoU 0.50:0.05:0.95, 0.50, 0.75 (Lin et al., Microsoft COCO).
- ``AP_small``, ``AP_medium``, ``AP_large``: ``AP`` of truth boxes up to 32 x 32 pixels of the
  original image, from there to 96 x 96, and larger. COCO measures the area of the mask of truth;
  here it is that of the box.
- ``AR@1``, ``AR@10``, ``AR@100``: recall, averaged over IoU 0.50:0.05:0.95, of the best 1, 10 or
  100 detections per image and label; ``AR_small`` and so on: ``AR@100`` by size.
- ``AP@0.4``: IoU 0.40 (VinBigData). ``AP@0.4:0.75``: mean over IoU 0.40:0.05:0.75 (RSNA Pneumonia;
  ChEX). The RSNA challenge itself has no precision-recall curve: these are COCO's curves at its
  overlaps.
- ``AP@0.1``, ``AP@0.1:0.5``: IoU 0.10 and the mean over 0.10:0.05:0.50 (Baumgartner et al.,
  nnDetection), here of 2-D boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .average_precision import nan_mean
from .coco_evaluator import ALL_SIZES, COCO_THRESHOLDS, count_truth, run_evaluator
from .image_detections import ImageDetections

__all__ = ['COCO_FIGURES', 'SIZES', 'SIZE_FIGURES', 'CocoFigures', 'coco_figures']

SIZES: dict[str, tuple[float, float]] = {
    'small': (0.0, 32.0**2),
    'medium': (32.0**2, 96.0**2),
    'large': (96.0**2, 1e10),
}
"""Least and largest area in square pixels, as pycocotools has them: bounds belong to both."""

_LOW = np.linspace(0.1, 0.45, 8)
_THRESHOLDS = np.concatenate([_LOW, COCO_THRESHOLDS])
_MAX_DETECTIONS = (1, 10, 100)
_RANGES = {
    'AP': (0.5, 0.95),
    'AP50': (0.5, 0.5),
    'AP75': (0.75, 0.75),
    'AP@0.4': (0.4, 0.4),
    'AP@0.4:0.75': (0.4, 0.75),
    'AP@0.1': (0.1, 0.1),
    'AP@0.1:0.5': (0.1, 0.5),
}
"""First and last IoU threshold of each AP."""

SIZE_FIGURES = tuple(f'{name}_{size}' for name in ('AP', 'AR') for size in SIZES)
"""Names of the figures by size."""

COCO_FIGURES = (*_RANGES, *(f'AR@{count}' for count in _MAX_DETECTIONS), *SIZE_FIGURES)
"""Names of all figures."""


@dataclass(frozen=True)
class CocoFigures:
    """Figures of every label.

    Attributes:
        per_label: Name of a figure, of :data:`COCO_FIGURES`, to [K] values in [0, 1], NaN for
            labels without truth (of that size).
        num_truth: [K] truth boxes that count, crowds excluded.
    """

    per_label: dict[str, npt.NDArray[np.float64]]
    num_truth: npt.NDArray[np.int64]

    def means(self) -> dict[str, float]:
        """Mean of each figure over the labels that have it; NaN if none has."""
        return {name: nan_mean(values) for name, values in self.per_label.items()}


def coco_figures(
    images: Sequence[ImageDetections],
    num_labels: int,
    *,
    area: tuple[float, float] = ALL_SIZES,
    backend: str = 'pycocotools',
) -> CocoFigures:
    """Evaluate once, for all figures.

    Args:
        images: Any number of images; none gives NaN everywhere.
        num_labels: K, the number of labels.
        area: Least and largest area of the truth boxes that figures without a size look at.
        backend: 'pycocotools' or 'faster_coco_eval'.

    Returns:
        The figures.

    Raises:
        ValueError: If the backend is unknown, a label is out of range or a score is not finite.
        ImportError: If the backend is not installed.
    """
    num_truth = count_truth(images, num_labels, area)
    if not count_truth(images, num_labels).any():
        nothing = np.full(num_labels, np.nan)
        return CocoFigures({name: nothing.copy() for name in COCO_FIGURES}, num_truth)
    evaluator = run_evaluator(
        images,
        num_labels,
        thresholds=_THRESHOLDS,
        areas=[area, *SIZES.values()],
        max_detections=_MAX_DETECTIONS,
        backend=backend,
    )
    # [thresholds, recalls, labels, areas, detections] and the same without recalls.
    precision, recall = (
        np.where(values < 0, np.nan, values)
        for values in (np.asarray(evaluator.eval[name]) for name in ('precision', 'recall'))
    )
    coco = slice(len(_LOW), None)
    found = {
        name: precision[_span(*span), :, :, 0, -1].mean(axis=(0, 1))
        for name, span in _RANGES.items()
    }
    for number, size in enumerate(SIZES, start=1):
        found[f'AP_{size}'] = precision[coco, :, :, number, -1].mean(axis=(0, 1))
        found[f'AR_{size}'] = recall[coco, :, number, -1].mean(axis=0)
    for number, count in enumerate(_MAX_DETECTIONS):
        found[f'AR@{count}'] = recall[coco, :, 0, number].mean(axis=0)
    return CocoFigures({name: found[name] for name in COCO_FIGURES}, num_truth)


def _span(first: float, last: float) -> slice:
    """Positions of the thresholds from ``first`` to ``last``."""
    start, end = np.searchsorted(_THRESHOLDS, [first - 1e-6, last + 1e-6])
    return slice(int(start), int(end))
