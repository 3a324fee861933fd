"""The small picture that a modality is told by, the same in training and in use."""

import cv2
import numpy as np

from mmdet_medglip.routing import SIDE

from .percentiles import percentiles_of

__all__ = ['thumbnail_of']

_SAMPLE_SIDE = 512
_PERCENTILES = (0.5, 99.5)


def thumbnail_of(image: np.ndarray) -> np.ndarray:
    """Make the thumbnail of an image as it was loaded, before any intensity window.

    The window depends on the modality, so the modality cannot depend on the window: the image's
    own percentiles become 0 and 255, whatever its values mean. It is stretched to a square, so
    that neither bars nor the shape of the picture tell where it comes from.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, any real values.

    Returns:
        uint8 (64, 64, 3) BGR; all 0 for an image of one value.
    """
    step_y, step_x = (max(1, -(-side // _SAMPLE_SIDE)) for side in image.shape[:2])
    low, high = percentiles_of(image[::step_y, ::step_x], _PERCENTILES)
    shrinks = min(image.shape[:2]) >= SIDE
    small = cv2.resize(
        image.astype(np.float32, copy=False),
        (SIDE, SIDE),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    scale = 255.0 / (high - low) if high > low else 0.0
    small = np.clip((small - low) * scale, 0, 255).round().astype(np.uint8)
    return small if small.ndim == 3 else cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
