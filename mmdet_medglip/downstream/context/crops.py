"""Regions cut out of their image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..regions import ImageRegions
from .pictures import check_picture

__all__ = ['crop_regions']


def crop_regions(
    image: npt.NDArray[np.uint8], regions: ImageRegions, margin: float = 0.15, min_side: int = 32
) -> list[npt.NDArray[np.uint8]]:
    """Cut out each region with some of what is around it.

    Args:
        image: uint8 [H, W] or [H, W, 3] RGB of the regions' size.
        regions: Of the image; N may be 0.
        margin: Share of a box's width and height added on each side, at least 0.
        min_side: Least width and height of a crop in pixels, for small findings; at least 1. A crop
            never reaches beyond the image: it is moved inward, and is smaller only where the image
            is.

    Returns:
        N crops, uint8 [h, w, 3], in the order of the regions.

    Raises:
        ValueError: The image is of another kind or size, or an option out of range.
    """
    if not 0 <= margin < np.inf:
        raise ValueError(f'margin must be at least 0, got {margin}.')
    if min_side < 1:
        raise ValueError(f'min_side must be at least 1, got {min_side}.')
    picture = check_picture(image, regions)
    crops = []
    for x1, y1, x2, y2 in regions.boxes.tolist():
        left, right = _span(x1, x2, margin, min_side, regions.width)
        top, bottom = _span(y1, y2, margin, min_side, regions.height)
        crops.append(picture[top:bottom, left:right].copy())
    return crops


def _span(start: float, end: float, margin: float, least: int, size: int) -> tuple[int, int]:
    """Pixels ``[first, end)`` of one side of a crop."""
    length = end - start
    first, last = int(np.floor(start - margin * length)), int(np.ceil(end + margin * length))
    first, last = max(first, 0), min(last, size)
    missing = min(least, size) - (last - first)
    if missing > 0:
        first = min(max(first - missing // 2, 0), size - min(least, size))
        last = first + min(least, size)
    return first, last
