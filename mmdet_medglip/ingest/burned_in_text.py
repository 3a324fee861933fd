"""Suspicion of text in the pixels, such as a name in the corner of an ultrasound image."""

import cv2
import numpy as np
from pydicom import Dataset

from .dicom.files import text

__all__ = ['burned_in_text_suspected', 'text_suspected']

_OFTEN_WRITTEN_ON = {'US', 'IVUS', 'ES', 'XC', 'SC', 'OT', 'ECG', 'HD', 'DOC'}
_SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'
_MIN_SIDE = 64
_BORDER = 0.25
_BRIGHT = 150
_DARK = 90
_CONTRAST = 60
_STROKE = 11
_MIN_HEIGHT = 6
_MAX_HEIGHT = 0.07
_LETTERS = 4


def burned_in_text_suspected(dataset: Dataset) -> bool:
    """Tell from a DICOM header whether the pixels may carry text.

    ``BurnedInAnnotation`` decides where it is set. Else secondary captures, and modalities whose
    devices write on their images, are suspected.

    Args:
        dataset: Header of an image.

    Returns:
        Whether a person should look at the image before it is passed on.
    """
    marked = (text(dataset, 'BurnedInAnnotation') or '').upper()
    if marked in ('YES', 'NO'):
        return marked == 'YES'
    sop_class = text(dataset, 'SOPClassUID') or ''
    captured = sop_class == _SECONDARY_CAPTURE or sop_class.startswith(f'{_SECONDARY_CAPTURE}.')
    digitized = text(dataset, 'ConversionType') is not None
    return captured or digitized or (text(dataset, 'Modality') or '').upper() in _OFTEN_WRITTEN_ON


def text_suspected(pixels: np.ndarray) -> bool:
    """Tell from pixels whether text seems to be written on an image.

    Text of a device is bright and thin, and stands in lines near the border. Looked for are
    lines of at least four shapes of the size of letters: of like height and base line, close to
    each other, each brighter than its rim. Letters below 6 pixels, dark letters, handwriting,
    text on bright ground, and single markers (a side, a number) are not found. It is a hint for
    people and no proof of absence.

    Args:
        pixels: Grey levels (H, W) or colour (H, W, 3) of any depth.

    Returns:
        Whether such a line stands near the border.
    """
    grey = _bytes(pixels)
    height, width = grey.shape
    if min(height, width) < _MIN_SIDE:
        return False
    thin = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((_STROKE, _STROKE), np.uint8))
    bright = (grey >= _BRIGHT) & (thin >= _CONTRAST)
    top, left = int(height * _BORDER), int(width * _BORDER)
    bright[top : height - top, left : width - left] = False
    if not bright.any():
        return False
    letters = _letters(grey, bright)
    return len(letters) >= _LETTERS and _has_line(letters)


def _bytes(pixels: np.ndarray) -> np.ndarray:
    """Return grey levels from 0 to 255 of the darkest and the brightest pixel."""
    grey = pixels.max(axis=2) if pixels.ndim == 3 else pixels
    low, high = float(grey.min()), float(grey.max())
    if grey.dtype == np.uint8 and low < _DARK and high >= _BRIGHT:
        return grey
    return ((grey - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)


def _letters(grey: np.ndarray, bright: np.ndarray) -> np.ndarray:
    """Return left, top, width and height (n, 4) of shapes that may be letters."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    box, area = stats[1:count, :4], stats[1:count, cv2.CC_STAT_AREA]
    wide, high = box[:, 2], box[:, 3]
    largest = max(_MIN_HEIGHT * 2, _MAX_HEIGHT * grey.shape[0])
    fill = area / (wide * high)
    fits = (high >= _MIN_HEIGHT) & (high <= largest) & (wide <= 1.6 * high) & (wide >= 1)
    fits &= (fill >= 0.15) & ((fill <= 0.85) | (wide <= 0.4 * high))
    found = [
        row
        for row, number in zip(box[fits].tolist(), np.flatnonzero(fits) + 1, strict=True)
        if _stands_out(grey, labels, row, number)
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 4)


def _stands_out(grey: np.ndarray, labels: np.ndarray, box: list[int], number: int) -> bool:
    """Tell whether the pixels two away from a shape are much darker than it."""
    left, top, width, height = box
    area = (slice(max(0, top - 3), top + height + 3), slice(max(0, left - 3), left + width + 3))
    shape = (labels[area] == number).astype(np.uint8)
    near = cv2.dilate(shape, np.ones((3, 3), np.uint8))
    rim = (cv2.dilate(near, np.ones((3, 3), np.uint8)) > 0) & (near == 0)
    values = grey[area][rim]
    level = float(grey[area][shape > 0].mean())
    return bool(values.size and np.mean(values < level - _CONTRAST) >= 0.75)


def _has_line(letters: np.ndarray) -> bool:
    """Tell whether enough letters stand in a line."""
    letters = letters[np.argsort(letters[:, 0], kind='stable')]
    left, top, width, height = letters.T
    bottom = top + height
    length = np.ones(len(letters), dtype=int)
    for index in range(len(letters)):
        before = slice(0, index)
        gap = left[index] - (left[before] + width[before])
        tall = np.maximum(height[before], height[index])
        small = np.minimum(height[before], height[index])
        follows = (gap >= 0) & (gap <= 1.2 * tall) & (small >= 0.65 * tall)
        follows &= np.abs(bottom[before] - bottom[index]) <= np.maximum(1, 0.15 * tall)
        if follows.any():
            length[index] = 1 + length[before][follows].max()
    return bool(length.max() >= _LETTERS)
