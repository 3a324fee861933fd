"""Quality control of one image and its regions."""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np

from mmdet_medglip.structures import Instance

from .regions import Left, Regions, box_iou
from .similarity import HASH_BYTES, difference_hash

__all__ = [
    'DIGEST_BYTES',
    'FINGERPRINT_BYTES',
    'check_regions',
    'fingerprint',
    'grey_levels',
    'pixel_fault',
]

DIGEST_BYTES = 16
FINGERPRINT_BYTES = HASH_BYTES + 2 * DIGEST_BYTES

_SAMPLE_SIDE = 512
_BLANK_SHARE = 0.999
_SAME_REGION = 0.9
_WHOLE_IMAGE = 0.98
_TINY_SIDE = 2.0


def grey_levels(pixels: np.ndarray) -> np.ndarray:
    """Return an image as grey levels of its own type.

    Args:
        pixels: uint8 (H, W) or (H, W, 3) RGB, or uint16 (H, W).

    Returns:
        Array (H, W); a grey image is returned as it is.
    """
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def pixel_fault(grey: np.ndarray) -> str | None:
    """Say what is wrong with the pixels of an image.

    Args:
        grey: uint8 or uint16 (H, W).

    Returns:
        ``image is constant`` if all pixels are equal, ``image is blank`` if all but one in a
        thousand are (on a regular grid of at most 512 x 512), else None.
    """
    rows, columns = (max(1, side // _SAMPLE_SIDE) for side in grey.shape)
    sample = grey[::rows, ::columns]
    share = np.bincount(sample.ravel()).max() / sample.size
    if share < _BLANK_SHARE:
        return None
    return 'image is constant' if grey.min() == grey.max() else 'image is blank'


def fingerprint(pixels: np.ndarray, grey: np.ndarray, instances: Sequence[Instance]) -> bytes:
    """Describe an image and its regions for the search of copies.

    Args:
        pixels: The stored pixels.
        grey: Their grey levels (H, W).
        instances: Its regions.

    Returns:
        The difference hash (32 bytes), a digest of size, type and pixels (16 bytes) and one of
        labels, phrases and boxes (16 bytes): equal digests mean equal content.
    """
    told = f'{pixels.dtype.str}{pixels.shape}'.encode()
    digest = hashlib.blake2b(told, digest_size=DIGEST_BYTES)
    digest.update(np.ascontiguousarray(pixels).data)
    regions = sorted((i.label or '', i.phrase or '', i.bbox) for i in instances)
    annotation = hashlib.blake2b(repr(regions).encode(), digest_size=DIGEST_BYTES)
    return np.packbits(difference_hash(grey)).tobytes() + digest.digest() + annotation.digest()


def check_regions(made: Regions, size: tuple[int, int]) -> Regions:
    """Look for regions that cannot be right.

    * A region of the same label that overlaps an earlier one by IoU >= 0.9 is left out
      (``region is marked twice``).
    * Flags: ``region_under_two_names`` (IoU >= 0.9, other labels), ``box_covers_image`` (98 % of
      its area), ``tiny_box`` (a side under 2 pixels).

    Args:
        made: What the boxes stage made of an image.
        size: ``(height, width)`` of the image.

    Returns:
        The same object, changed.
    """
    kept: list[Instance] = []
    for instance in made.instances:
        twins = _twins(kept, instance)
        if any(twin.label == instance.label and _same_words(twin, instance) for twin in twins):
            detail = f'{instance.label}: {instance.bbox}'
            made.left.append(Left('quality', 'region is marked twice', detail))
            continue
        if any(twin.label != instance.label for twin in twins):
            made.flags.add('region_under_two_names')
        kept.append(instance)
        x1, y1, x2, y2 = instance.bbox
        if (x2 - x1) * (y2 - y1) >= _WHOLE_IMAGE * size[0] * size[1]:
            made.flags.add('box_covers_image')
        if min(x2 - x1, y2 - y1) < _TINY_SIDE:
            made.flags.add('tiny_box')
    made.instances = kept
    return made


def _twins(others: Sequence[Instance], instance: Instance) -> list[Instance]:
    return [other for other in others if box_iou(other.bbox, instance.bbox) >= _SAME_REGION]


def _same_words(a: Instance, b: Instance) -> bool:
    return a.phrase == b.phrase and a.tokens_positive == b.tokens_positive
