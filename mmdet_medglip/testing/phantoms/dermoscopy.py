"""Dermoscopy: naevi and melanomas on skin of every tone, under hair, gel bubbles and vignettes.

Naevi are round, evenly coloured and smoothly bounded; melanomas are lopsided, notched and carry
several colours and a blue-white veil. Freckles, hairs and ink rulers mislead.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .shapes import (
    blob,
    curve_distance,
    ellipse,
    largest_part,
    pixel_grid,
    smooth_noise,
    soft,
    uniform,
    wander,
)
from .structure import PhantomImage, PhantomSpec

__all__ = ['SPEC']

_HEIGHT, _WIDTH = 240, 288
_LABELS = ('nevus', 'melanoma')
_SKINS = np.array(
    [[236, 205, 192], [226, 180, 165], [221, 166, 150], [196, 140, 112], [150, 98, 72]], float
)
_BROWNS = np.array([[150, 96, 66], [122, 74, 48], [96, 56, 38], [170, 112, 84]], float)


def _mix(image: np.ndarray, color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Lay a colour over an image ``(H, W, 3)`` with an opacity map ``(H, W)``."""
    return image + opacity[..., None] * (color - image)


def _network(rng: np.random.Generator, scale: float) -> np.ndarray:
    """Return a pigment network, 0 in its holes and 1 on its lines."""
    noise = smooth_noise(rng, (_HEIGHT, _WIDTH), scale)
    return np.exp(-((noise / 0.35) ** 2))


def _lesion(
    rng: np.random.Generator, image: np.ndarray, label: str, skin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one lesion; return the image and the mask of the lesion."""
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    bad = label == 'melanoma'
    radius = uniform(rng, 22, 72) if bad else uniform(rng, 14, 62)
    reach = 0.75 * radius
    center = (uniform(rng, reach, _WIDTH - reach), uniform(rng, reach, _HEIGHT - reach))
    radii = (radius, radius * uniform(rng, 0.6 if bad else 0.8, 1.0))
    angle = uniform(rng, 0, 180)
    field = blob(rng, x, y, center, radii, angle, 0.16 if bad else 0.06, 8 if bad else 4)
    field = field * (1 + smooth_noise(rng, field.shape, 5, 0.08 if bad else 0.025))
    edge = uniform(rng, 0.08, 0.25) if bad else uniform(rng, 0.15, 0.5)
    tone = _BROWNS[rng.integers(len(_BROWNS))] * uniform(rng, 0.75, 1.1) * (skin.mean() / 190)
    cover = soft(field, edge) * uniform(rng, 0.35, 0.95)
    image = _mix(image, tone, cover)
    core = tone * uniform(rng, 0.6, 0.85)
    image = _mix(image, core, soft(field, 0.6, 0.55) * (0.3 + 0.5 * _network(rng, 3)) * cover)
    if bad:
        accents = ((60, 36, 32), (120, 60, 50), (120, 128, 148), (206, 150, 140))
        for accent in accents:  # black, red-brown, blue-white veil, regression
            if rng.random() < 0.7:
                shift = rng.normal(0, 0.45 * radius, 2)
                at = (center[0] + shift[0], center[1] + shift[1])
                size = radius * uniform(rng, 0.25, 0.5)
                part = blob(rng, x, y, at, (size, size * 0.7), uniform(rng, 0, 180), 0.25)
                image = _mix(image, np.array(accent, float), 0.75 * soft(part, 0.6) * cover)
    else:
        image = _mix(image, core, 0.45 * (smooth_noise(rng, field.shape, 2) > 1.1) * cover)
    return image, largest_part(field < 1)


def _draw_image(rng: np.random.Generator, skin: np.ndarray, bare: bool) -> PhantomImage:
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    shape = (_HEIGHT, _WIDTH)
    image = np.broadcast_to(skin, (*shape, 3)).astype(np.float32)
    image = image * (1 + smooth_noise(rng, shape, 45, 0.04)[..., None])
    image = image + smooth_noise(rng, shape, 1.6, 3.5)[..., None] * np.array([0.6, 1, 1])
    flush = np.clip(smooth_noise(rng, shape, 22), 0, None)
    image = _mix(image, skin * np.array([1.0, 0.78, 0.78]), 0.3 * flush.clip(0, 1))
    for _ in range(int(rng.integers(0, 9))):  # freckles
        at, r = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT)), uniform(rng, 2, 6)
        spot = soft(blob(rng, x, y, at, (r, r), 0, 0.15), 0.7)
        image = _mix(image, skin * 0.72, uniform(rng, 0.3, 0.7) * spot)

    masks: list[tuple[str, np.ndarray]] = []
    if not bare:
        for _ in range(1 if rng.random() < 0.75 else 2):
            label = str(rng.choice(_LABELS))
            painted, mask = _lesion(rng, image, label, skin)
            near = ndimage.binary_dilation(mask, iterations=8)
            if mask.sum() >= 150 and not any((near & other).any() for _, other in masks):
                image = painted
                masks.append((label, mask))
    image = _clutter(rng, image)
    image = ndimage.gaussian_filter(image, (0.6, 0.6, 0))
    lit = 1.04 - uniform(rng, 0.02, 0.28) * ellipse(x, y, (144, 120), (190, 170)) ** 2
    image = image * lit[..., None] * uniform(rng, 0.6, 1.12)
    if rng.random() < 0.3:
        rim = soft(ellipse(x, y, (144, 120), (152, 142)), 0.04)
        image = image * rim[..., None]
    image = image + rng.standard_normal(image.shape, dtype=np.float32) * uniform(rng, 1.5, 4)
    return PhantomImage(np.clip(image, 0, 255).astype(np.uint8), tuple(masks))


def _clutter(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Lay hairs, an ink ruler and gel bubbles over the image."""
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    strands = int(rng.choice([0, 0, 3, 8, 14]))
    points = []
    for _ in range(strands):
        start = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT))
        points.append(wander(rng, start, uniform(rng, 0, 2 * math.pi), 160, 0.7, 0.01, 0.002))
    if points:
        hair = soft(curve_distance(np.concatenate(points), _HEIGHT, _WIDTH), 1.2, 0.8)
        image = _mix(image, np.array([52, 38, 32], float), 0.85 * hair)
    if rng.random() < 0.25:
        pitch, height = uniform(rng, 7, 12), uniform(rng, 6, 14)
        ticks = (x % pitch < 1.2) & (_HEIGHT - y < height * (1 + (x % (5 * pitch) < 1.2)))
        image = _mix(image, np.array([45, 45, 60], float), 0.8 * ticks)
    for _ in range(int(rng.integers(0, 3))):
        at, r = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT)), uniform(rng, 3, 12)
        ring = np.exp(-(((ellipse(x, y, at, (r, r)) - 1) * r / 1.2) ** 2))
        image = image + 24 * ring[..., None]
    return image


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` dermoscopic images of one patient: one skin tone, several sites.

    Args:
        rng: Generator of this patient.
        count: Number of images, at least 1.

    Returns:
        Images of ``(240, 288, 3)`` uint8 RGB.
    """
    k = uniform(rng, 0, len(_SKINS) - 1.001)
    skin = _SKINS[int(k)] + (k % 1) * (_SKINS[int(k) + 1] - _SKINS[int(k)])
    return [_draw_image(rng, skin, rng.random() < 0.08) for _ in range(count)]


SPEC = PhantomSpec(
    'dermoscopy', _LABELS, draw, patients=32, images_per_patient=2, files='indexed', suffix='.jpg'
)
