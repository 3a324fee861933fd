"""From regions of a source to instances: labels, boxes, masks."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mmdet_medglip.structures import Box, Instance

from .label_map import LabelMap
from .masks import box_of_mask, decode_rle, encode_rle, instances_from_mask
from .recipe import BoxRules
from .source import SourceImage, SourceRegion

__all__ = ['LabelledRegion', 'Left', 'Regions', 'box_iou', 'label_regions', 'make_instances']

_AGREEMENT = 0.5


@dataclass(frozen=True)
class Left:
    """A region that is left out.

    Args:
        stage: Stage of the ingest.
        reason: Why, in words that others share.
        detail: What exactly.
    """

    stage: str
    reason: str
    detail: str = ''


@dataclass(frozen=True)
class LabelledRegion:
    """A region with its label id."""

    label: str
    region: SourceRegion


@dataclass
class Regions:
    """What became of the regions of an image.

    Args:
        instances: Regions taken.
        left: Regions left out.
        flags: Suspicions about the image that follow from its regions.
    """

    instances: list[Instance] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def label_regions(
    regions: Iterable[SourceRegion], label_map: LabelMap
) -> tuple[list[LabelledRegion], list[Left]]:
    """Map the names of regions.

    Args:
        regions: Regions under the names of their source.
        label_map: The rules.

    Returns:
        Regions with a label, and those without: ``dropped by the recipe`` or ``name is not
        mapped`` with the name and the nearest known ones.
    """
    labelled, left = [], []
    for region in regions:
        mapped = label_map(region.name)
        if mapped.label is not None:
            labelled.append(LabelledRegion(mapped.label, region))
        elif mapped.dropped:
            left.append(Left('labels', 'dropped by the recipe', region.name))
        else:
            left.append(Left('labels', 'name is not mapped', f'{region.name!r}: {mapped.fault}'))
    return labelled, left


def make_instances(
    labelled: Sequence[LabelledRegion], image: SourceImage, label_map: LabelMap, rules: BoxRules
) -> Regions:
    """Turn labelled regions into instances by the box policies.

    A class mask (``is_object=False``) makes one box or one per component, as the label's policy
    says; several class masks of a label with one box are one region. An object makes one box,
    whatever its policy. Where a source gives box and mask of an object, the box is kept if it
    overlaps the mask's box by half (IoU), else the region is left out.

    Args:
        labelled: Regions with labels.
        image: The image they belong to, for its size and spacing.
        label_map: Tells the box policy of each label.
        rules: Minimum sizes, clipping, merging.

    Returns:
        Instances inside the image, and what was left out.
    """
    made = Regions()
    merged: dict[tuple[str, str | None], np.ndarray] = {}
    for item in labelled:
        single = label_map.policy_of(item.label) == 'single'
        try:
            mask = _mask(item.region, image.size)
        except ValueError as error:
            made.left.append(Left('boxes', 'mask is not valid', f'{item.region.name}: {error}'))
            continue
        if mask is None or item.region.is_object:
            _add_object(made, item, mask, image, rules)
        elif single:
            key = (item.label, item.region.volume_instance_id)
            merged[key] = merged[key] | mask if key in merged else mask
        else:
            _add_mask(made, mask, item.label, 'components', rules, _fields(item.region))
    for (label, volume_id), mask in merged.items():
        _add_mask(made, mask, label, 'single', rules, {'volume_instance_id': volume_id})
    made.instances = _large_enough(made, image.spacing_mm, rules.min_size_mm)
    if rules.merge_iou is not None:
        made.instances = _merge_annotators(made.instances, rules.merge_iou)
    return made


def box_iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two half-open boxes; 0 if both are empty."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / total if total > 0 else 0.0


def _mask(region: SourceRegion, size: tuple[int, int]) -> np.ndarray | None:
    """Return the mask of a region as bool (H, W), checked against the image."""
    mask = region.mask
    if mask is None:
        return None
    if isinstance(mask, Mapping):
        if list(mask.get('size', ())) != list(size):
            raise ValueError(f'run length of size {mask.get("size")}, the image has {list(size)}')
        return decode_rle(mask)
    if mask.shape != size:
        raise ValueError(f'mask of shape {mask.shape}, the image has {size}')
    return mask.astype(bool, copy=False)


def _fields(region: SourceRegion) -> dict[str, Any]:
    return {
        'phrase': region.phrase,
        'tokens_positive': region.tokens_positive,
        'is_crowd': region.is_crowd,
        'volume_instance_id': region.volume_instance_id,
        'annotator': region.annotator,
    }


def _add_object(
    made: Regions,
    item: LabelledRegion,
    mask: np.ndarray | None,
    image: SourceImage,
    rules: BoxRules,
) -> None:
    """Add a region that is one object, with its own box, its mask's box, or both."""
    name, box = item.region.name, item.region.bbox
    drawn = None
    if mask is not None:
        drawn = box_of_mask(mask)
        if drawn is None or mask.sum() < rules.min_area:
            made.left.append(Left('boxes', 'mask smaller than min_area', name))
            return
    if box is not None:
        if not all(math.isfinite(v) for v in box) or box[2] <= box[0] or box[3] <= box[1]:
            made.left.append(Left('boxes', 'box is empty or not finite', f'{name}: {box}'))
            return
        clipped, moved = _clip(box, image.size)
        if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
            made.left.append(Left('boxes', 'box lies outside the image', f'{name}: {box}'))
            return
        if moved > rules.clip_tolerance:
            made.flags.add('box_leaves_image')
        if drawn is not None and box_iou(clipped, drawn) < _AGREEMENT:
            made.left.append(
                Left('quality', 'box and mask disagree', f'{name}: box {clipped}, mask {drawn}')
            )
            return
        box = clipped
    final = box or drawn
    if final is None:
        made.left.append(Left('boxes', 'region has neither box nor mask', name))
        return
    rle = encode_rle(mask) if mask is not None and rules.keep_masks else None
    made.instances.append(Instance(final, item.label, mask=rle, **_fields(item.region)))


def _add_mask(
    made: Regions,
    mask: np.ndarray,
    label: str,
    policy: Any,
    rules: BoxRules,
    fields: Mapping[str, Any],
) -> None:
    found = instances_from_mask(
        mask, label, policy=policy, min_area=rules.min_area, keep_mask=rules.keep_masks, **fields
    )
    made.instances += found.instances
    if found.dropped:
        detail = f'{found.dropped} of {label}, below {rules.min_area} pixels'
        made.left.append(Left('boxes', 'component smaller than min_area', detail))


def _clip(box: Box, size: tuple[int, int]) -> tuple[Box, float]:
    """Clip a box to the image; also return by how many pixels an edge moved at most."""
    limits = (size[1], size[0], size[1], size[0])
    x1, y1, x2, y2 = (min(max(v, 0.0), float(m)) for v, m in zip(box, limits, strict=True))
    clipped = (x1, y1, x2, y2)
    return clipped, max(abs(a - b) for a, b in zip(box, clipped, strict=True))


def _large_enough(
    made: Regions, spacing: tuple[float, float] | None, min_size: float
) -> list[Instance]:
    if spacing is None or min_size == 0:
        return made.instances
    kept = []
    for instance in made.instances:
        x1, y1, x2, y2 = instance.bbox
        shortest = min((x2 - x1) * spacing[1], (y2 - y1) * spacing[0])
        if shortest >= min_size:
            kept.append(instance)
        else:
            detail = f'{instance.label}: {shortest:.2f} mm'
            made.left.append(Left('boxes', 'box shorter than min_size_mm', detail))
    return kept


def _merge_annotators(instances: Sequence[Instance], min_iou: float) -> list[Instance]:
    """Replace boxes of one label by several annotators that overlap by their mean."""
    groups: dict[str | None, list[list[Instance]]] = defaultdict(list)
    for instance in instances:
        for group in groups[instance.label]:
            others = {member.annotator for member in group}
            if instance.annotator not in others and box_iou(_mean(group), instance.bbox) >= min_iou:
                group.append(instance)
                break
        else:
            groups[instance.label].append([instance])
    merged = []
    for of_label in groups.values():
        for group in of_label:
            if len(group) == 1:
                merged.append(group[0])
            else:
                annotators = sorted({str(member.annotator) for member in group})
                merged.append(
                    replace(group[0], bbox=_mean(group), mask=None, annotator='+'.join(annotators))
                )
    return merged


def _mean(group: Sequence[Instance]) -> Box:
    x1, y1, x2, y2 = np.mean([member.bbox for member in group], axis=0).tolist()
    return (x1, y1, x2, y2)
