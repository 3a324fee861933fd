"""Fuse the answers of several detectors to the same images: weighted boxes fusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from mmdet.models.utils import weighted_boxes_fusion

from .results import ImageResult, Results

__all__ = ['fuse_boxes', 'fuse_results']

Answers = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]
"""Boxes [N, 4] xyxy, scores [N] and labels [N] of one detector."""


def fuse_boxes(
    answers: Sequence[Answers], weights: Sequence[float], iou_threshold: float = 0.55
) -> Answers:
    """Fuse the boxes of several detectors on one image.

    Weighted boxes fusion (Solovyev et al., 2021, arXiv 1910.13302), as MMDetection has it: boxes of
    one label that overlap are replaced by their mean, weighted by score. Its score is their mean
    score, lowered by the share of detectors that did not find it: a box that one of two equally
    weighted detectors gives has half its score.

    Args:
        answers: Of each detector; a box without area or with a score of 0 is left out.
        weights: How much each detector counts, above 0.
        iou_threshold: Least IoU of boxes that are one, in (0, 1).

    Returns:
        Boxes, scores in falling order, labels; maybe none.
    """
    kept = [_with_area(*of_one) for of_one in answers]
    boxes, scores, labels = weighted_boxes_fusion(
        *([of_one[i] for of_one in kept] for i in range(3)),
        weights=list(weights),
        iou_thr=iou_threshold,
    )
    return (
        boxes.numpy().reshape(-1, 4).astype(np.float32),
        scores.numpy().astype(np.float32),
        labels.numpy().astype(np.int64),
    )


def fuse_results(
    results: Sequence[Results],
    weights: Sequence[float] | None = None,
    iou_threshold: float = 0.55,
) -> Results:
    """Fuse test runs of several detectors, image by image, see :func:`fuse_boxes`.

    Images, truth, prompts and their order are those of the first. The chance that a phrase is there
    at all is the weighted mean where all give it. Answers above the asked labels are left out.

    Args:
        results: At least two test runs of the same images, asked for the same labels.
        weights: How much each counts, above 0; by default all alike.
        iou_threshold: Least IoU of boxes that are one, in (0, 1).

    Raises:
        ValueError: A number is out of range, or the runs differ in labels, images, truth or in what
            an image was asked.
    """
    weights = [1.0] * len(results) if weights is None else list(weights)
    if len(results) < 2 or len(weights) != len(results):
        raise ValueError(
            f'Expected at least two results and a weight for each, got {len(results)} results and '
            f'{len(weights)} weights.'
        )
    if not all(0 < weight < float('inf') for weight in weights):
        raise ValueError(f'weights must be above 0, got {weights}.')
    if not 0 < iou_threshold < 1:
        raise ValueError(f'iou_threshold must lie in (0, 1), got {iou_threshold}.')
    for other in results[1:]:
        _check_same_images(results[0], other)
    groups = zip(*(one.images for one in results), strict=True)
    return Results(
        classes=results[0].classes,
        class_names=results[0].class_names,
        images=tuple(_fuse_images(images, weights, iou_threshold) for images in groups),
        config=' + '.join(one.config for one in results),
        checkpoint=' + '.join(one.checkpoint for one in results),
        info={'fusion': f'weighted boxes fusion, weights {weights}, IoU {iou_threshold:g}'},
    )


def _fuse_images(
    images: Sequence[ImageResult], weights: Sequence[float], iou_threshold: float
) -> ImageResult:
    first = images[0]
    asked = range(len(first.phrases)) if first.asked is None else first.asked.tolist()
    # Of two phrases of one label the first answers for it.
    phrase_of = {label: phrase for phrase, label in reversed(list(enumerate(asked)))}
    answers = [(one.boxes, one.scores, one.labels) for one in images]
    boxes, scores, labels = fuse_boxes(answers, weights, iou_threshold)
    return replace(
        first,
        boxes=boxes,
        scores=scores,
        box_phrases=np.array([phrase_of[label] for label in labels.tolist()], np.int64),
        presence=_fuse_presence(images, weights),
        above_boxes=np.empty((0, 4), np.float32),
        above_scores=np.empty(0, np.float32),
        above_nodes=(),
    )


def _fuse_presence(
    images: Sequence[ImageResult], weights: Sequence[float]
) -> npt.NDArray[np.float64] | None:
    given = []
    for image in images:
        if image.presence is None:
            return None
        order = (
            range(len(image.phrases))
            if image.asked is None
            else np.argsort(image.asked, kind='stable')
        )
        given.append(image.presence[list(order)])
    mean = np.average(given, axis=0, weights=weights)
    if images[0].asked is None:
        return mean
    return mean[np.argsort(np.argsort(images[0].asked, kind='stable'))]


def _with_area(
    boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> Answers:
    kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]) & (scores > 0)
    return boxes[kept], scores[kept], labels[kept]


def _check_same_images(first: Results, other: Results) -> None:
    if first.classes != other.classes:
        raise ValueError(
            f'The results are of other labels: {len(first.classes)} and {len(other.classes)}, '
            'test on the same data.'
        )
    ids, other_ids = ([image.image_id for image in one.images] for one in (first, other))
    if ids != other_ids:
        strange = sorted(set(ids).symmetric_difference(other_ids))
        raise ValueError(
            f'Image {strange[0]!r} is in one result and not in another ({len(ids)} and '
            f'{len(other_ids)} images): test on the same data.'
        )
    for one, two in zip(first.images, other.images, strict=True):
        if _question(one) != _question(two):
            raise ValueError(
                f'Image {one.image_id!r} was asked for other labels in another result: use the '
                'same prompts, such as scope of SamplePrompt or ClosedSetPrompt.'
            )
        same = np.array_equal(one.gt_boxes, two.gt_boxes)
        if not (same and np.array_equal(one.gt_labels, two.gt_labels)):
            raise ValueError(
                f'Image {one.image_id!r} has another truth in another result: test on the same '
                'data.'
            )


def _question(image: ImageResult) -> tuple:
    return image.phrases if image.asked is None else tuple(sorted(image.asked.tolist()))
