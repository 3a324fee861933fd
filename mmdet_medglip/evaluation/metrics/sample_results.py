"""Data samples as results: what each image was asked, what was answered, and its truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..image_result import ImageResult
from ..results import Results
from .above import read_above_boxes
from .samples import (
    asked_labels,
    class_index,
    is_label_sample,
    phrase_names,
    read_closed_set_prediction,
    read_field,
    read_label_truth,
    read_prediction,
    read_presence,
    read_truth,
)

__all__ = ['gather_results', 'read_closed_set_result', 'read_result']

Meta = Mapping[str, Any] | None


def read_result(sample: Mapping[str, Any], dataset_meta: Meta) -> ImageResult:
    """Read the answers of a detector of words, and the truth.

    Raises:
        ValueError: The sample lacks a field or names a phrase or label that does not exist.
    """
    prediction = read_prediction(sample)
    asked = None
    if is_label_sample(sample):
        asked = np.array(asked_labels(sample, class_index(dataset_meta)), np.int64)
    above, nodes = read_above_boxes(sample)
    return ImageResult(
        **_describe(sample, asked, dataset_meta),
        phrases=phrase_names(sample),
        boxes=prediction.boxes,
        scores=prediction.scores,
        box_phrases=prediction.labels,
        presence=read_presence(sample, 'scores'),
        above_boxes=above.boxes,
        above_scores=above.scores,
        above_nodes=nodes,
    )


def read_closed_set_result(sample: Mapping[str, Any], dataset_meta: Meta) -> ImageResult:
    """Read the answers of a detector without words, and the truth.

    Raises:
        ValueError: The sample lacks a field or names a label that does not exist.
    """
    index = class_index(dataset_meta)
    classes = tuple(index)
    asked = (
        # Of two names of one label the first stands for it.
        list(dict.fromkeys(asked_labels(sample, index)))
        if is_label_sample(sample)
        else list(range(len(index)))
    )
    prediction = read_closed_set_prediction(sample, asked, len(index))
    return ImageResult(
        **_describe(sample, np.array(asked, np.int64), dataset_meta),
        phrases=tuple(classes[label] for label in asked),
        boxes=prediction.boxes,
        scores=prediction.scores,
        box_phrases=prediction.labels,
    )


def gather_results(images: Sequence[ImageResult], dataset_meta: Meta) -> Results:
    """Return the results of all images.

    Raises:
        ValueError: Two images have one id, or an image has a label that is not of the data set.
    """
    meta = dataset_meta or {}
    classes = tuple(meta.get('classes') or ())
    return Results(
        classes=classes,
        class_names=tuple(meta.get('class_names') or classes),
        images=tuple(images),
    )


def _describe(sample: Mapping[str, Any], asked: Any, dataset_meta: Meta) -> dict[str, Any]:
    """Return what an image is, and its truth."""
    if asked is None:
        truth = read_truth(sample)
    else:
        truth = read_label_truth(sample, len(class_index(dataset_meta)))
    height, width = read_field(sample, 'ori_shape')[:2]
    objects = (instance.get('volume_instance_id') for instance in sample['instances'])
    number = sample.get('slice_index')
    return {
        'image_id': str(read_field(sample, 'img_id')),
        'image_path': str(sample.get('img_path') or ''),
        # What a router takes an image for is an answer; the truth is apart then.
        'modality': sample.get('true_modality') or read_field(sample, 'modality'),
        'body_region': sample.get('body_region') or '',
        'source': sample.get('source') or '',
        'patient_id': sample.get('patient_id') or '',
        'series_id': sample.get('series_id') or '',
        'slice_index': None if number is None else int(number),
        'height': int(height),
        'width': int(width),
        'asked': asked,
        'gt_boxes': truth.boxes,
        'gt_labels': truth.labels,
        'gt_ignore': truth.ignore,
        'gt_objects': tuple(name or '' for name in objects),
    }
