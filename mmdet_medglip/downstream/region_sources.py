"""Where the regions of images come from: a detector, the truth, or other patients.

The three share the words of labels, so that a model that reads them sees no other difference. Each
function gives a dict from image id to regions, which has an entry for an image without regions too.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mmdet_medglip.store import GroundingStore

from .regions import ImageRegions

if TYPE_CHECKING:
    from mmdet_medglip.evaluation.image_result import ImageResult
    from mmdet_medglip.evaluation.results import Results
    from mmdet_medglip.structures import Instance, Record

__all__ = ['patients_of', 'predicted_regions', 'shuffled_regions', 'true_regions']


def predicted_regions(
    results: Results, min_score: float, max_regions: int
) -> dict[str, ImageRegions]:
    """Take the best boxes of each image that a detector answered.

    Boxes are clipped to their image; one that is empty then counts as not there.

    Args:
        results: A result file, as ``tools/test.py --results`` writes it.
        min_score: Least score of a box, in (0, 1].
        max_regions: At most so many boxes of an image, the best ones; at least 1. Equal scores keep
            their order.

    Returns:
        Regions in order of falling score. A label image has the class names of the results as
        words, a caption image its phrases.

    Raises:
        ValueError: A bound is out of range, or a score above 1.
    """
    if not 0 < min_score <= 1:
        raise ValueError(f'min_score must lie in (0, 1], got {min_score}.')
    if max_regions < 1:
        raise ValueError(f'max_regions must be at least 1, got {max_regions}.')
    return {
        image.image_id: _predicted(image, results.class_names, min_score, max_regions)
        for image in results.images
    }


def true_regions(
    store_or_results: GroundingStore | Results, split: str | None = None
) -> dict[str, ImageRegions]:
    """Take the true boxes of each image, with score 1; crowds are left out.

    Args:
        store_or_results: A store, or a result file.
        split: Of a store, this split only; None takes all.

    Returns:
        Regions in the order of the source. Words are the display names of labels; a region without
        label has its phrase, else the words of its caption.

    Raises:
        ValueError: A split of a result file was asked for, or one that does not exist.
    """
    if isinstance(store_or_results, GroundingStore):
        store = store_or_results
        names = store.display_names
        records = (store[index] for index in store.indices(split=split))
        return {record.image_id: _true_of_record(record, names) for record in records}
    if split is not None:
        raise ValueError(f'A result file has no splits, got split={split!r}; pass a store.')
    results = store_or_results
    return {image.image_id: _true(image, results.class_names) for image in results.images}


def patients_of(store_or_results: GroundingStore | Results) -> dict[str, tuple[str, str, str]]:
    """Say whose each image is; patients of two sources are two.

    Returns:
        A name of the patient by image id. An image without patient has its own.
    """
    if isinstance(store_or_results, GroundingStore):
        columns = (
            store_or_results.column(name).to_pylist()
            for name in ('image_id', 'source', 'patient_id')
        )
        return {
            image_id: ('patient', source, patient)
            for image_id, source, patient in zip(*columns, strict=True)
        }
    return {image.image_id: image.cluster for image in store_or_results.images}


def shuffled_regions(
    regions: Mapping[str, ImageRegions], patient_of: Mapping[str, Hashable], seed: int
) -> dict[str, ImageRegions]:
    """Give each image the regions of another patient's image of its modality.

    It has then regions as likely as its own, in words, number, size and score, that say nothing of
    it. Within a modality the regions are permuted, each image gives its own once. Only where one
    patient has more than half of a modality's images that cannot be, and each image draws one of
    another patient.

    Args:
        regions: Regions of all images; may be empty.
        patient_of: Patient of each of them, see :func:`patients_of`.
        seed: The same seed gives the same, in whatever order the images come.

    Returns:
        Regions under the ids and sizes of the images, in their order, boxes scaled to them.

    Raises:
        ValueError: An image has no patient, or a modality has images of one patient only.
    """
    groups: dict[str, dict[Hashable, list[str]]] = {}
    for image_id in sorted(regions):
        if image_id not in patient_of:
            raise ValueError(f'patient_of has no patient of the image {image_id!r}.')
        of_modality = groups.setdefault(regions[image_id].modality, {})
        of_modality.setdefault(patient_of[image_id], []).append(image_id)
    donor: dict[str, str] = {}
    for modality in sorted(groups):
        patients = list(groups[modality].values())
        if len(patients) < 2:
            raise ValueError(
                f'All {len(patients[0])} images of modality {modality!r} are of one patient, so '
                'none has regions of another: leave the modality out, or add patients.'
            )
        donor.update(_donors(patients, np.random.default_rng([seed, *modality.encode()])))
    return {
        image_id: regions[donor[image_id]].scaled_to(image_id, own.height, own.width)
        for image_id, own in regions.items()
    }


def _donors(patients: list[list[str]], random: np.random.Generator) -> dict[str, str]:
    """Choose another patient's image for each image; images of a patient lie side by side.

    Going on by the size of the largest patient leaves every patient, and comes back to none as
    long as that is at most half of the images.
    """
    patients = [patients[index] for index in random.permutation(len(patients))]
    patients = [[images[index] for index in random.permutation(len(images))] for images in patients]
    order = [image_id for images in patients for image_id in images]
    largest = max(map(len, patients))
    if 2 * largest <= len(order):
        step = int(random.integers(largest, len(order) - largest + 1))
        return dict(zip(order, order[step:] + order[:step], strict=True))
    chosen = {}
    for images in patients:
        own = set(images)
        others = [image_id for image_id in order if image_id not in own]
        for image_id in images:
            chosen[image_id] = others[int(random.integers(len(others)))]
    return chosen


def _predicted(
    image: ImageResult, names: tuple[str, ...], min_score: float, max_regions: int
) -> ImageRegions:
    limits = np.array([image.width, image.height] * 2, np.float32)
    boxes = np.clip(image.boxes, 0, limits)
    order = np.argsort(-image.scores, kind='stable')
    kept = (image.scores >= np.float32(min_score)) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    rows = order[kept[order]][:max_regions]
    words = image.phrases if image.is_caption else names
    labels = tuple(words[label] for label in image.labels[rows])
    return _of_image(image, labels, boxes[rows], image.scores[rows])


def _true(image: ImageResult, names: tuple[str, ...]) -> ImageRegions:
    rows = np.flatnonzero(~image.gt_ignore)
    words = image.phrases if image.is_caption else names
    labels = tuple(words[label] for label in image.gt_labels[rows])
    return _of_image(image, labels, image.gt_boxes[rows], np.ones(len(rows), np.float32))


def _of_image(image: ImageResult, labels: tuple[str, ...], boxes: Any, scores: Any) -> ImageRegions:
    size = {'height': image.height, 'width': image.width}
    return ImageRegions(
        image.image_id, **size, modality=image.modality, labels=labels, boxes=boxes, scores=scores
    )


def _true_of_record(record: Record, names: Mapping[str, str]) -> ImageRegions:
    shown = [instance for instance in record.instances if not instance.is_crowd]
    return ImageRegions(
        image_id=record.image_id,
        height=record.height,
        width=record.width,
        modality=record.modality,
        labels=tuple(_words(instance, record.caption or '', names) for instance in shown),
        boxes=np.array([instance.bbox for instance in shown], np.float32).reshape(-1, 4),
        scores=np.ones(len(shown), np.float32),
    )


def _words(instance: Instance, caption: str, names: Mapping[str, str]) -> str:
    if instance.label is not None:
        return names.get(instance.label, instance.label)
    spans = (caption[start:end] for start, end in instance.tokens_positive)
    return instance.phrase or ' / '.join(spans)
