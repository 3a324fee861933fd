"""What annotation files draw: polygons, ellipses and run lengths, bounded before drawing."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pycocotools.mask

from mmdet_medglip.structures import Box, Rle
from mmdet_medglip.structures.run_lengths import runs_of

__all__ = [
    'RegionError',
    'box_of_points',
    'checked_rle',
    'ellipse_points',
    'numbers',
    'polygons_to_rle',
]

MAX_POINTS = 100_000
_MAX_OUTLINE = 1_000_000.0
_ELLIPSE_POINTS = 90
_HUGE = 1 << 1000


class RegionError(ValueError):
    """One region cannot be read; its image can."""


def numbers(values: Any, count: int | None, what: str) -> list[float]:
    """Check that an annotation holds numbers; they may be infinite or NaN.

    Args:
        values: What the annotation holds.
        count: How many are expected; None takes any.
        what: Name of the field, for messages.

    Raises:
        RegionError: If it is not a list of ``count`` numbers.
    """
    good = isinstance(values, (list, tuple)) and (count is None or len(values) == count)
    if not good or not all(_is_number(value) for value in values):
        expected = 'numbers' if count is None else f'{count} numbers'
        raise RegionError(f'{what} must be {expected}, got {_short(values)}')
    return [float(value) for value in values]


def box_of_points(xs: Sequence[float], ys: Sequence[float]) -> Box:
    """Return the box around points, at least one."""
    return (min(xs), min(ys), max(xs), max(ys))


def ellipse_points(
    x: float, y: float, radius_x: float, radius_y: float, angle: float = 0.0
) -> list[float]:
    """Return an ellipse as a polygon.

    Args:
        x: Centre, in pixels.
        y: Centre, in pixels.
        radius_x: Half axis along the rotated x axis, in pixels.
        radius_y: Half axis along the rotated y axis, in pixels.
        angle: Rotation from the x axis to the y axis (down), in radians.

    Returns:
        Flat ``[x1, y1, x2, y2, ...]``.

    Raises:
        RegionError: If a number is not finite.
    """
    if not all(map(math.isfinite, (x, y, radius_x, radius_y, angle))):
        raise RegionError('centre, radius and angle must be finite')
    turn = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)
    along, across = radius_x * np.cos(turn), radius_y * np.sin(turn)
    xs = x + along * math.cos(angle) - across * math.sin(angle)
    ys = y + along * math.sin(angle) + across * math.cos(angle)
    return np.stack([xs, ys], axis=1).ravel().tolist()


def polygons_to_rle(polygons: Sequence[Any], size: tuple[int, int]) -> Rle | None:
    """Draw the polygons of one region; no mask of the image's size is made on the way.

    Args:
        polygons: Flat ``[x1, y1, x2, y2, ...]`` in pixels, at least three points each.
        size: ``(height, width)`` of the image.

    Returns:
        The COCO run length of their union; None if it holds no pixel.

    Raises:
        RegionError: If a polygon is not one, has too many points, or lies far outside the image.
    """
    flat = [_polygon(polygon, size) for polygon in polygons]
    if not flat:
        return None
    if sum(len(polygon) for polygon in flat) > 2 * MAX_POINTS:
        raise RegionError(f'polygons have more than {MAX_POINTS} points')
    if sum(_length(polygon) for polygon in flat) > _MAX_OUTLINE:
        raise RegionError(f'outline is longer than {_MAX_OUTLINE:.0f} pixels')
    merged = pycocotools.mask.merge(pycocotools.mask.frPyObjects(flat, *size))
    if pycocotools.mask.area(merged) == 0:
        return None
    return {'size': list(size), 'counts': merged['counts'].decode('ascii')}


def checked_rle(rle: Any, size: tuple[int, int]) -> Rle:
    """Check a COCO run length against its image before it is decoded.

    Args:
        rle: ``{'size': [height, width], 'counts': ...}``, compressed or a list of runs.
        size: ``(height, width)`` of the image.

    Returns:
        The compressed run length.

    Raises:
        RegionError: If it is of another size, or its runs do not add up to the image.
    """
    told = rle.get('size') if isinstance(rle, Mapping) else rle
    if not isinstance(rle, Mapping) or not isinstance(told, (list, tuple)) or list(told) != [*size]:
        raise RegionError(f'run length must be of size {list(size)}, got {_short(told)}')
    counts = rle.get('counts')
    if isinstance(counts, list):
        runs = [_run(value) for value in counts]
    elif isinstance(counts, str):
        try:
            runs = runs_of(counts).tolist()
        except ValueError as error:
            raise RegionError(str(error)) from None
    else:
        raise RegionError(f'run length needs a list or text as counts, got {_short(counts)}')
    if min(runs, default=-1) < 0 or sum(runs) != size[0] * size[1]:
        raise RegionError(f'runs do not add up to the {size[0] * size[1]} pixels of the image')
    if isinstance(counts, str):
        return {'size': list(size), 'counts': counts}
    packed = pycocotools.mask.frPyObjects({'size': list(size), 'counts': runs}, *size)
    return {'size': list(size), 'counts': packed['counts'].decode('ascii')}


def _run(value: Any) -> int:
    if not _is_number(value) or not math.isfinite(value) or value != int(value):
        raise RegionError(f'runs must be whole numbers, got {_short(value)}')
    return int(value)


def _polygon(values: Any, size: tuple[int, int]) -> list[float]:
    flat = numbers(values, None, 'polygon')
    if len(flat) < 6 or len(flat) % 2:
        raise RegionError(f'a polygon needs an even number of values, at least 6, got {len(flat)}')
    for start, length in ((0, size[1]), (1, size[0])):
        if not all(-length <= value <= 2 * length for value in flat[start::2]):
            raise RegionError('polygon lies far outside its image or is not finite')
    return flat


def _length(flat: list[float]) -> float:
    points = list(zip(flat[0::2], flat[1::2], strict=True))
    closed = [*points, points[0]]
    return sum(max(abs(b[0] - a[0]), abs(b[1] - a[1])) for a, b in pairwise(closed))


def _is_number(value: Any) -> bool:
    """Tell whether it is a number that fits a float."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < _HUGE
    return isinstance(value, float)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
