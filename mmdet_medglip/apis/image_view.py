"""An image as the network sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .result import ImageSource

__all__ = ['ImageView']


@dataclass(frozen=True, eq=False)
class ImageView:
    """A windowed image without an answer.

    Args:
        source: Which image.
        picture: uint8 (h, w, 3) RGB, perhaps smaller than the original.
        height: Of the original image in pixels.
        width: Of the original image in pixels.
        modality: The modality that was used; ``'unrouted'`` if none was found.
        intensity_range: Physical values ``(low, high)`` that are black and white.
        spacing_mm: Distance of pixel centres ``(between rows, between columns)``; None if unknown.
    """

    source: ImageSource
    picture: npt.NDArray[np.uint8] = field(repr=False)
    height: int
    width: int
    modality: str
    intensity_range: tuple[float, float]
    spacing_mm: tuple[float, float] | None = None
