"""Run a COCO evaluator on images of which each was asked for some of the labels.

What is ours: a label counts on the images that were asked for it, so that an unlabelled organ is
neither a miss nor a false positive. Matching, precision and recall are the evaluator's.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .image_detections import ImageDetections, check_images

__all__ = ['ALL_SIZES', 'COCO_THRESHOLDS', 'count_truth', 'evaluate_images', 'run_evaluator']

COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""IoU 0.50:0.05:0.95, the floating-point numbers that pycocotools has."""

ALL_SIZES = (0.0, 1e10)
"""Least and largest area in square pixels of COCO's 'all'."""

_BACKENDS = {
    'pycocotools': ('pycocotools.coco', 'COCO', 'pycocotools.cocoeval', 'COCOeval'),
    'faster_coco_eval': ('faster_coco_eval', 'COCO', 'faster_coco_eval', 'COCOeval_faster'),
}


def run_evaluator(
    images: Sequence[ImageDetections],
    num_labels: int,
    *,
    thresholds: npt.ArrayLike = COCO_THRESHOLDS,
    areas: Sequence[tuple[float, float]] = (ALL_SIZES,),
    max_detections: Sequence[int] = (100,),
    backend: str = 'pycocotools',
    accumulate: bool = True,
) -> Any:
    """Evaluate with the parameters that the evaluators themselves have.

    Args:
        images: Any number of images.
        num_labels: K, the number of labels.
        thresholds: IoU of a match, rising, each in (0, 1].
        areas: Least and largest area of truth that counts, in square pixels, bounds included; both
            kinds of boxes are measured as width times height.
        max_detections: Best-scored detections kept per image and label, rising.
        backend: 'pycocotools' or 'faster_coco_eval'.
        accumulate: Whether to compute precision and recall, too.

    Returns:
        The evaluator, whose ``eval`` has ``precision`` (thresholds, 101 recalls, K, areas,
        max_detections) and ``recall`` (without the recalls), -1 where a label has no truth.

    Raises:
        ValueError: If the backend is unknown, a label is out of range or a value is not finite.
        ImportError: If the backend is not installed.
    """
    coco, evaluator_class = _load_backend(backend)
    check_images(images, num_labels)
    truth, detections = _coco_annotations(images, num_labels)
    with contextlib.redirect_stdout(io.StringIO()):
        sizes = (len(images), num_labels)
        evaluator = evaluator_class(
            _index(coco, truth, *sizes), _index(coco, detections, *sizes), 'bbox'
        )
        evaluator.params.iouThrs = np.asarray(thresholds, np.float64)
        evaluator.params.areaRng = [list(area) for area in areas]
        evaluator.params.areaRngLbl = [str(number) for number in range(len(areas))]
        evaluator.params.maxDets = list(max_detections)
        evaluator.evaluate()
        if accumulate:
            evaluator.accumulate()
    return evaluator


def evaluate_images(
    images: Sequence[ImageDetections],
    num_labels: int,
    max_detections: int = 100,
    iou_threshold: float = 0.5,
    area: tuple[float, float] = ALL_SIZES,
) -> list[dict[str, Any]]:
    """Match detections and truth of each image and label, by pycocotools.

    Args:
        images: As in :func:`run_evaluator`, like all that follow.
        num_labels: Number of labels.
        max_detections: Best-scored detections kept per image and label.
        iou_threshold: Of a match, in (0, 1].
        area: Least and largest area of truth that counts.

    Returns:
        What ``COCOeval.evalImgs`` holds for each pair of image and label with boxes; ``image_id``
        and ``category_id`` are positions in ``images`` and labels.

    Raises:
        ValueError: If a label is out of range, a value is not finite or the threshold is not in
            (0, 1].
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f'Expected `iou_threshold` in (0, 1], got {iou_threshold}.')
    evaluator = run_evaluator(
        images,
        num_labels,
        thresholds=[iou_threshold],
        areas=[area],
        max_detections=[max_detections],
        accumulate=False,
    )
    return [item for item in evaluator.evalImgs if item is not None]


def count_truth(
    images: Sequence[ImageDetections], num_labels: int, area: tuple[float, float] = ALL_SIZES
) -> npt.NDArray[np.int64]:
    """[K] truth boxes that count: of labels that were asked, no crowds, of a size.

    Raises:
        ValueError: If a label is out of range or a value is not finite.
    """
    check_images(images, num_labels)
    counts = np.zeros(num_labels, np.int64)
    for image in images:
        boxes = image.gt_boxes.astype(np.float64)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        fits = (areas >= area[0]) & (areas <= area[1])
        kept = fits & ~image.gt_ignore & np.isin(image.gt_labels, image.asked)
        counts += np.bincount(image.gt_labels[kept], minlength=num_labels)
    return counts


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
