"""Regions from masks: components, boxes and COCO run lengths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import pycocotools.mask
from scipy import ndimage

from mmdet_medglip.ontology.ontology import BoxPolicy
from mmdet_medglip.structures import Box, Instance
from mmdet_medglip.structures.run_lengths import checked_runs

__all__ = [
    'MaskInstances',
    'box_of_mask',
    'decode_rle',
    'encode_rle',
    'fill_outline',
    'instances_from_mask',
    'mask_from_polygons',
]

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class MaskInstances:
    """What a mask gave.

    Args:
        instances: Regions, ordered by their top, then left edge.
        dropped: Number of components left out because they were smaller than the minimum area.
    """

    instances: tuple[Instance, ...]
    dropped: int


def encode_rle(mask: np.ndarray) -> dict[str, Any]:
    """Encode a mask as COCO compressed RLE.

    Args:
        mask: Bool (H, W), True inside.

    Returns:
        ``{'size': [H, W], 'counts': str}``.
    """
    encoded = pycocotools.mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {'size': [int(v) for v in encoded['size']], 'counts': encoded['counts'].decode('ascii')}


def decode_rle(rle: Mapping[str, Any]) -> np.ndarray:
    """Decode a COCO compressed RLE to a bool array (H, W), True inside.

    Raises:
        ValueError: If it is damaged, or its runs do not add up to its size.
    """
    checked_runs(rle)
    return pycocotools.mask.decode(dict(rle)).astype(bool)


def box_of_mask(mask: np.ndarray) -> Box | None:
    """Return the half-open box around a bool mask (H, W); None if it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def instances_from_mask(
    mask: np.ndarray,
    label: str,
    *,
    policy: BoxPolicy,
    min_area: int = 1,
    keep_mask: bool = True,
    **fields: Any,
) -> MaskInstances:
    """Turn the mask of one label into regions.

    Components are 8-connected. With policy ``single`` the components that are large enough make
    one region together; with ``components`` each makes its own.

    Args:
        mask: Bool or 0/1 (H, W), non-zero inside; an empty mask gives no region.
        label: Label id of the regions.
        policy: ``single`` or ``components``; the ontology's ``box_policy`` of the label.
        min_area: Smallest component in pixels, >= 1; smaller ones are noise and counted.
        keep_mask: Whether the regions carry their mask.
        **fields: Further fields of :class:`Instance`, the same for every region.

    Returns:
        The regions and the number of components dropped.

    Raises:
        ValueError: If the mask is not 2-D or the policy is unknown.

    Example:
        >>> mask = np.zeros((4, 6), dtype=bool)
        >>> mask[1:3, 0:2] = mask[1:3, 4:6] = True
        >>> [i.bbox for i in instances_from_mask(mask, 'polyp', policy='components').instances]
        [(0.0, 1.0, 2.0, 3.0), (4.0, 1.0, 6.0, 3.0)]
    """
    if mask.ndim != 2:
        raise ValueError(f'Mask of {label!r} must be 2-D (height, width), got shape {mask.shape}.')
    if policy not in ('single', 'components'):
        raise ValueError(f"Box policy must be 'single' or 'components', got {policy!r}.")
    mask = mask.astype(bool)
    box = box_of_mask(mask)
    if box is None:
        return MaskInstances((), 0)
    if policy == 'single' and min_area <= 1:
        return MaskInstances((_instance(mask, box, label, keep_mask, fields),), 0)
    left, top, right, bottom = (int(v) for v in box)
    numbered, count = ndimage.label(mask[top:bottom, left:right], structure=_EIGHT_NEIGHBOURS)
    areas = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    kept = np.flatnonzero(areas >= min_area) + 1
    groups = [kept] if policy == 'single' and kept.size else [[number] for number in kept]
    instances = []
    for group in groups:
        part = np.zeros_like(mask)
        part[top:bottom, left:right] = np.isin(numbered, group)
        part_box = box_of_mask(part)
        if part_box is not None:
            instances.append(_instance(part, part_box, label, keep_mask, fields))
    instances.sort(key=lambda item: (item.bbox[1], item.bbox[0]))
    return MaskInstances(tuple(instances), int(count - kept.size))


def fill_outline(mask: np.ndarray, how: Literal['holes', 'convex']) -> np.ndarray:
    """Turn a drawn outline into the region it encloses.

    Args:
        mask: Bool (H, W), True on the outline; an empty one stays empty.
        how: ``holes`` fills what a closed line encloses; ``convex`` takes the convex hull, for
            convex shapes whose line has gaps or leaves the image.

    Returns:
        Bool (H, W), True inside.

    Raises:
        ValueError: If ``how`` is neither.
    """
    if how == 'holes':
        return ndimage.binary_fill_holes(mask)
    if how != 'convex':
        raise ValueError(f"'fill' must be 'holes' or 'convex', got {how!r}.")
    filled = np.zeros(mask.shape, dtype=np.uint8)
    rows, columns = np.nonzero(mask)
    if rows.size:
        points = np.stack([columns, rows], axis=1).astype(np.int32)
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled.astype(bool)


def mask_from_polygons(polygons: list[list[float]], height: int, width: int) -> np.ndarray:
    """Draw COCO polygons.

    Args:
        polygons: Flat ``[x1, y1, x2, y2, ...]`` in pixels, at least three points each.
        height: Height of the mask in pixels.
        width: Width of the mask in pixels.

    Returns:
        Bool (H, W), the union of the polygons.

    Raises:
        ValueError: If a polygon has fewer than three points or an odd number of values.
    """
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(
                f'A polygon needs an even number of values, at least 6, got {len(polygon)}.'
            )
    if not polygons:
        return np.zeros((height, width), dtype=bool)
    parts = pycocotools.mask.frPyObjects(polygons, height, width)
    return pycocotools.mask.decode(pycocotools.mask.merge(parts)).astype(bool)


def _instance(
    mask: np.ndarray, box: Box, label: str, keep_mask: bool, fields: Mapping[str, Any]
) -> Instance:
    rle = encode_rle(mask) if keep_mask else None
    return Instance(bbox=box, label=label, mask=rle, **fields)
