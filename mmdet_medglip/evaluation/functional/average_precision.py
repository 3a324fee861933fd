"""COCO average precision per label, where each image was asked for some of the labels.

Definition (Lin et al., Microsoft COCO, and ``pycocotools.cocoeval``, BSD): per label, detections of
all images are sorted by score and matched greedily to truth boxes at an IoU threshold; precision,
made monotone, is averaged over 101 recall points (AP at that threshold). ``AP`` is the mean over
IoU 0.50:0.05:0.95, ``AP50`` is AP at 0.50. Truth flagged ``ignore`` is a COCO crowd: it is not
missed when undetected and detections inside it are not false. A label without truth has no AP
(NaN) and does not enter a mean; truth without detections has AP 0. Which images a label counts on
is said in :mod:`.coco_evaluator`; more figures of one evaluation are in :mod:`.coco_figures`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .coco_evaluator import count_truth, run_evaluator
from .image_detections import ImageDetections

__all__ = ['AveragePrecision', 'ImageDetections', 'average_precision', 'nan_mean']


@dataclass(frozen=True)
class AveragePrecision:
    """AP of every label and their means; NaN where there is no truth.

    Args:
        ap_per_label: [K] mean over IoU 0.50:0.05:0.95.
        ap50_per_label: [K] at IoU 0.50.
        num_truth: [K] truth boxes that count, crowds excluded.
    """

    ap_per_label: npt.NDArray[np.float64]
    ap50_per_label: npt.NDArray[np.float64]
    num_truth: npt.NDArray[np.int64]

    @property
    def ap(self) -> float:
        """Mean of ``ap_per_label`` over the labels with truth; NaN if there is none."""
        return nan_mean(self.ap_per_label)

    @property
    def ap50(self) -> float:
        """Mean of ``ap50_per_label`` over the labels with truth; NaN if there is none."""
        return nan_mean(self.ap50_per_label)


def average_precision(
    images: Sequence[ImageDetections],
    num_labels: int,
    *,
    max_detections: int = 100,
    backend: str = 'pycocotools',
) -> AveragePrecision:
    """COCO AP and AP50 of every label over the images that were asked for it.

    Args:
        images: Any number of images; none gives NaN everywhere.
        num_labels: K, the number of labels.
        max_detections: Best-scored detections kept per image and label (COCO: 100).
        backend: 'pycocotools' or 'faster_coco_eval' (same figures, faster on many images).

    Returns:
        AP per label, with ``.ap`` and ``.ap50`` as means over labels.

    Raises:
        ValueError: If the backend is unknown, a label is out of range or a score is not finite.
        ImportError: If the backend is not installed.

    Example:
        >>> box, label = np.array([[0, 0, 10, 10]]), np.array([0])
        >>> image = ImageDetections(
        ...     boxes=box, scores=np.array([0.9]), labels=label,
        ...     gt_boxes=box, gt_labels=label, gt_ignore=np.array([False]), asked=label)
        >>> average_precision([image], num_labels=2).ap_per_label
        array([ 1., nan])
    """
    num_truth = count_truth(images, num_labels)
    if not num_truth.any():
        nothing = np.full(num_labels, np.nan)
        return AveragePrecision(nothing, nothing.copy(), num_truth)
    evaluator = run_evaluator(images, num_labels, max_detections=[max_detections], backend=backend)
    precision = np.asarray(evaluator.eval['precision'])[:, :, :, 0, 0]
    undefined = num_truth == 0
    return AveragePrecision(
        np.where(undefined, np.nan, precision.mean(axis=(0, 1))),
        np.where(undefined, np.nan, precision[0].mean(axis=0)),
        num_truth,
    )


def nan_mean(values: npt.NDArray[np.float64]) -> float:
    """Mean of the values that are known; NaN if none is."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        return float(np.nanmean(values)) if len(values) else float('nan')
