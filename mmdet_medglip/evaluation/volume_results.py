"""Results of slices as results of volumes: linked boxes, and truth by its 3-D objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mmdet_medglip.volumes.link_settings import LinkSettings
from mmdet_medglip.volumes.linking import enclosing_volume_box, link_boxes
from mmdet_medglip.volumes.slice_boxes import SliceBoxes

from .functional.average_precision import nan_mean
from .functional.coco_evaluator import ALL_SIZES
from .functional.froc import FALSE_BOXES
from .functional.volume_average_precision import volume_average_precision
from .functional.volume_detections import VolumeDetections
from .functional.volume_froc import volume_froc
from .image_result import ImageResult
from .parts import Part

__all__ = ['VolumeResults', 'measure_volumes', 'volumes_of']

Name = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class VolumeResults:
    """The volumes of a test run.

    Attributes:
        volumes: What was found in each, and its truth; in pixels of the slice and in slices.
        names: Source, patient and series of each.
        num_labels: K; labels are below it.
        left_out: Numbers of images that are in no volume, by reason.
    """

    volumes: tuple[VolumeDetections, ...]
    names: tuple[Name, ...]
    num_labels: int
    left_out: Mapping[str, int] = field(default_factory=dict)


def volumes_of(part: Part, link: LinkSettings | None = None) -> VolumeResults:
    """Link the boxes of the slices of each volume.

    A volume is asked for what any of its slices was; neighbouring slices are as far apart as the
    numbers of its slices allow. A truth box is the smallest around all slices of its object and
    is a crowd if one of them is. A volume with a truth box of no known object is left out, and so
    is one whose slices have several sizes or of which two have one number.

    Args:
        part: Of a test run, not by size or level.
        link: How boxes are linked.

    Returns:
        The volumes, by name.

    Raises:
        ValueError: The part is one by size, or by level, whose boxes are not those of the images.
    """
    pairs = list(zip(part.images, part.origins, strict=True))
    if part.area != ALL_SIZES or any(
        len(image.gt_boxes) != len(origin.gt_objects) for image, origin in pairs
    ):
        raise ValueError('Volumes are not measured by size or level; take another part.')
    rows: dict[Name, list[int]] = {}
    left_out: Counter[str] = Counter()
    for row, (_, origin) in enumerate(pairs):
        if origin.volume is None:
            left_out['no slice of a volume'] += 1
        else:
            rows.setdefault(origin.volume, []).append(row)
    volumes, names = [], []
    for name, members in sorted(rows.items()):
        fault = _fault([pairs[row][1] for row in members])
        if fault:
            left_out[fault] += len(members)
        else:
            volumes.append(_volume(part, members, link or LinkSettings()))
            names.append(name)
    return VolumeResults(tuple(volumes), tuple(names), part.num_labels, dict(left_out))


def measure_volumes(results: VolumeResults, froc_iou: float = 0.1) -> dict[str, float]:
    """Take the measures of 3-D boxes.

    Args:
        results: Of :func:`volumes_of`.
        froc_iou: Least 3-D IoU of a box that finds truth, in (0, 1], for FROC.

    Returns:
        ``volume/AP@0.1`` and so on, see docs/volumes.md; nothing without volumes.

    Raises:
        ValueError: ``froc_iou`` is out of range.
    """
    if not results.volumes:
        return {}
    ap = volume_average_precision(results.volumes, results.num_labels)
    curves = volume_froc(results.volumes, results.num_labels, iou_threshold=froc_iou)
    read = zip(FALSE_BOXES, curves.pooled.at(), strict=True)
    return {
        'volume/AP@0.1': ap.at(0.1),
        'volume/AP@0.1:0.5': ap.mean,
        'volume/AP50': ap.at(0.5),
        **{f'volume/sensitivity@{x:g}': float(y) for x, y in read},
        'volume/CPM': curves.pooled.cpm,
        'volume/CPM_labels': nan_mean(np.array([curve.cpm for curve in curves.per_label])),
        'volume/volumes': float(len(results.volumes)),
    }


def _fault(slices: Sequence[ImageResult]) -> str:
    """Say why slices make no volume, empty if they do."""
    if len({image.slice_index for image in slices}) < len(slices):
        return 'two slices of one number'
    if len({(image.height, image.width) for image in slices}) > 1:
        return 'slices of several sizes'
    if any('' in image.gt_objects for image in slices):
        return 'truth without volume_instance_id'
    return ''


def _volume(part: Part, members: Sequence[int], link: LinkSettings) -> VolumeDetections:
    members = sorted(members, key=lambda row: _number(part.origins[row]))
    numbers = [_number(part.origins[row]) for row in members]
    step = int(np.gcd.reduce(np.diff(numbers))) if len(numbers) > 1 else 1
    images = [part.images[row] for row in members]
    # Answers without area, which COCO's measures keep as false, have no place in a volume.
    solid = [(image.boxes[:, 2:] > image.boxes[:, :2]).all(axis=1) for image in images]
    asked = [np.isin(image.labels, image.asked) for image in images]
    kept = [first & second for first, second in zip(solid, asked, strict=True)]
    found = link_boxes(
        SliceBoxes(
            np.concatenate([image.boxes[k] for image, k in zip(images, kept, strict=True)]),
            np.repeat(numbers, [int(k.sum()) for k in kept]),
            np.concatenate([image.scores[k] for image, k in zip(images, kept, strict=True)]),
            np.concatenate([image.labels[k] for image, k in zip(images, kept, strict=True)]),
        ),
        link,
        step=step,
    )
    boxes, labels, ignore = _truth(part, members, step)
    return VolumeDetections(
        boxes=found.boxes,
        scores=found.scores,
        labels=found.labels,
        gt_boxes=boxes,
        gt_labels=labels,
        gt_ignore=ignore,
        asked=np.unique(np.concatenate([image.asked for image in images])),
    )


def _truth(
    part: Part, members: Sequence[int], step: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Gather the truth boxes of each object of each label."""
    objects: dict[tuple[int, str], list[tuple[npt.NDArray, int, bool]]] = {}
    for row in members:
        image, origin = part.images[row], part.origins[row]
        for place, name in enumerate(origin.gt_objects):
            label = int(image.gt_labels[place])
            if label in image.asked:
                told = (image.gt_boxes[place], _number(origin), bool(image.gt_ignore[place]))
                objects.setdefault((label, name), []).append(told)
    boxes = [
        enclosing_volume_box(
            np.stack([box for box, *_ in of_one]), np.array([n for _, n, _ in of_one]), step
        )
        for of_one in objects.values()
    ]
    return (
        np.array(boxes, np.float64).reshape(-1, 6),
        np.array([label for label, _ in objects], np.int64),
        np.array([any(crowd for *_, crowd in of_one) for of_one in objects.values()], bool),
    )


def _number(image: ImageResult) -> int:
    if image.slice_index is None:
        raise ValueError(f'Image {image.image_id!r} is no slice of a volume.')
    return image.slice_index
