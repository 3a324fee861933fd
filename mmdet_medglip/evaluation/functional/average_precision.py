"""COCO average precision per label, where each image was asked for some of the labels.

Definition (Lin et al., Microsoft COCO, and ``pycocotools.cocoeval``, BSD): per label, detections of
all images are sorted by score and matched greedily to truth boxes at an IoU threshold; precision,
made monotone, is averaged over 101 recall points (AP at that threshold). ``AP`` is the mean over
IoU 0.50:0.05:0.95, ``AP50`` is AP at 0.50. Truth flagged ``ignore`` is a COCO crowd: it is not
missed when undetected and detections inside it are not false. A label without truth has no AP
(NaN) and does not enter a mean; truth without detections has AP 0.

What is ours: a label counts on the images that were asked for it, so that an unlabelled organ is
neither a miss nor a false positive.
"""

import contextlib
import importlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    'AveragePrecision',
    'ImageDetections',
    'average_precision',
    'evaluate_images',
    'nan_mean',
]

_BACKENDS = {
    'pycocotools': ('pycocotools.coco', 'COCO', 'pycocotools.cocoeval', 'COCOeval'),
    'faster_coco_eval': ('faster_coco_eval', 'COCO', 'faster_coco_eval', 'COCOeval_faster'),
}


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
    truth, detections = _coco_annotations(images, num_labels)
    num_truth = np.bincount(
        [item['category_id'] for item in truth if not item['iscrowd']], minlength=num_labels
    )
    if not num_truth.any():
        nothing = np.full(num_labels, np.nan)
        return AveragePrecision(nothing, nothing.copy(), num_truth)
    precision = _precision(
        truth, detections, len(images), num_labels, max_detections, _load_backend(backend)
    )
    undefined = num_truth == 0
    return AveragePrecision(
        np.where(undefined, np.nan, precision.mean(axis=(0, 1))),
        np.where(undefined, np.nan, precision[0].mean(axis=0)),
        num_truth,
    )


def evaluate_images(
    images: Sequence[ImageDetections], num_labels: int, max_detections: int = 100
) -> list[dict[str, Any] | None]:
    """Match detections and truth of each image and label, by pycocotools.

    Args:
        images: As in :func:`average_precision`, like all that follow.
        num_labels: Number of labels.
        max_detections: Best-scored detections kept per image and label.

    Returns:
        What ``COCOeval.evalImgs`` holds, whose ``image_id`` and ``category_id`` are positions in
        ``images`` and labels; None for a pair without boxes.

    Raises:
        ValueError: If a label is out of range or a score is not finite.
    """
    truth, detections = _coco_annotations(images, num_labels)
    sizes = (len(images), num_labels, max_detections)
    return _evaluate(truth, detections, *sizes, _load_backend('pycocotools')).evalImgs


def _precision(
    truth: list[dict],
    detections: list[dict],
    num_images: int,
    num_labels: int,
    max_detections: int,
    backend: tuple[Any, Any],
) -> npt.NDArray[np.float64]:
    """Precision [10 IoU thresholds, 101 recall points, K labels] by the COCO evaluator."""
    evaluator = _evaluate(truth, detections, num_images, num_labels, max_detections, backend)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.accumulate()
    return np.asarray(evaluator.eval['precision'])[:, :, :, 0, 0]


def _evaluate(
    truth: list[dict],
    detections: list[dict],
    num_images: int,
    num_labels: int,
    max_detections: int,
    backend: tuple[Any, Any],
) -> Any:
    coco, evaluator_class = backend
    with contextlib.redirect_stdout(io.StringIO()):
        truth_index = _index(coco, truth, num_images, num_labels)
        detection_index = _index(coco, detections, num_images, num_labels)
        evaluator = evaluator_class(truth_index, detection_index, 'bbox')
        evaluator.params.areaRng = [[0, 1e10]]
        evaluator.params.areaRngLbl = ['all']
        evaluator.params.maxDets = [max_detections]
        evaluator.evaluate()
    return evaluator


def _index(coco: Any, annotations: list[dict], num_images: int, num_labels: int) -> Any:
    index = coco()
    index.dataset = {
        'images': [{'id': number} for number in range(num_images)],
        'categories': [{'id': number, 'name': str(number)} for number in range(num_labels)],
        'annotations': annotations,
    }
    index.createIndex()
    return index


def _coco_annotations(
    images: Sequence[ImageDetections], num_labels: int
) -> tuple[list[dict], list[dict]]:
    truth: list[dict] = []
    detections: list[dict] = []
    for number, image in enumerate(images):
        _check(image, number, num_labels)
        asked = np.zeros(num_labels, dtype=bool)
        asked[image.asked] = True
        crowd = image.gt_ignore.astype(int).tolist()
        _append(truth, number, asked, image.gt_boxes, image.gt_labels, 'iscrowd', crowd)
        scores = image.scores.tolist()
        _append(detections, number, asked, image.boxes, image.labels, 'score', scores)
    return truth, detections


def _append(
    annotations: list[dict],
    image_id: int,
    asked: npt.NDArray[np.bool_],
    boxes: npt.NDArray,
    labels: npt.NDArray,
    extra_name: str,
    extra: list,
) -> None:
    for box, label, value in zip(boxes.astype(float).tolist(), labels.tolist(), extra, strict=True):
        if not asked[label]:
            continue
        x1, y1, x2, y2 = box
        annotation = {
            'id': len(annotations) + 1,
            'image_id': image_id,
            'category_id': label,
            'bbox': [x1, y1, x2 - x1, y2 - y1],
            'area': (x2 - x1) * (y2 - y1),
            'iscrowd': 0,
        }
        annotation[extra_name] = value
        annotations.append(annotation)


def _check(image: ImageDetections, number: int, num_labels: int) -> None:
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


def _load_backend(name: str) -> tuple[Any, Any]:
    if name not in _BACKENDS:
        raise ValueError(f'Unknown backend {name!r}, expected one of {sorted(_BACKENDS)}.')
    coco_module, coco, evaluator_module, evaluator = _BACKENDS[name]
    try:
        return (
            getattr(importlib.import_module(coco_module), coco),
            getattr(importlib.import_module(evaluator_module), evaluator),
        )
    except ImportError as error:
        package = name.replace('_', '-')
        raise ImportError(
            f'The COCO backend {name!r} is not installed: pip install {package}.'
        ) from error


def nan_mean(values: npt.NDArray[np.float64]) -> float:
    """Mean of the values that are known; NaN if none is."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        return float(np.nanmean(values)) if len(values) else float('nan')
