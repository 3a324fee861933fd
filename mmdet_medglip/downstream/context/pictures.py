"""Images as models take them: eight bits, three channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmdet_medglip.ingest.images import read_image

from ..regions import ImageRegions

__all__ = ['check_picture', 'read_picture']

_CLIPPED = (0.5, 99.5)
"""Percentiles that an image of more than eight bits is clipped at."""


def read_picture(path: str | Path) -> npt.NDArray[np.uint8]:
    """Read an image file in RGB.

    An image of 16 bits is clipped at its 0.5 and 99.5 percentiles and stretched to eight bits.
    Where a CT window is wanted, write the windowed image first.

    Args:
        path: PNG, JPEG, GIF, TIFF or what else Pillow reads, of one page, upright.

    Returns:
        uint8 [H, W, 3].

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no image, broken, or too large.
    """
    image = read_image(Path(path))
    if image.dtype == np.uint16:
        low, high = np.percentile(image, _CLIPPED)
        scaled = (image.astype(np.float32) - low) / max(high - low, 1)
        image = np.rint(255 * scaled.clip(0, 1)).astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


def check_picture(
    image: npt.NDArray[np.uint8], regions: ImageRegions | None = None
) -> npt.NDArray[np.uint8]:
    """Return an image as uint8 [H, W, 3].

    Args:
        image: uint8 [H, W] or [H, W, 3] RGB.
        regions: What it must have the size of.

    Raises:
        ValueError: It is of another kind, or of another size than the regions say.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise ValueError(
            f'An image must be uint8 [H, W] or [H, W, 3], got {image.dtype} {list(image.shape)}.'
        )
    if regions is not None and image.shape[:2] != (regions.height, regions.width):
        raise ValueError(
            f'Image {regions.image_id!r} has {image.shape[1]} x {image.shape[0]} px, but its '
            f'regions are of one of {regions.width} x {regions.height} px (width x height): take '
            'the image that the detector saw, or scale the regions.'
        )
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
