"""Colonoscopy: a lit, folded mucosa with a dark lumen and polyps.

A height map of haustral folds, bumps and polyps is lit from the camera; vessels, wet highlights,
bubbles and stool cover it. Folds and bumps have no polyp's closed outline and texture.
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

_HEIGHT, _WIDTH = 256, 304
_LABELS = ('polyp',)


def _mix(image: np.ndarray, color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Lay a colour over an image ``(H, W, 3)`` with an opacity map ``(H, W)``."""
    return image + opacity[..., None] * (color - image)


def _folds(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, lumen: tuple[float, float]
) -> np.ndarray:
    """Return the height of the haustral folds, rings around the lumen that come and go."""
    radius = np.hypot(x - lumen[0], (y - lumen[1]) * uniform(rng, 0.9, 1.3))
    theta = np.arctan2(y - lumen[1], x - lumen[0])
    radius = radius * (1 + 0.10 * np.cos(3 * theta + uniform(rng, 0, 6)))
    radius = radius + smooth_noise(rng, x.shape, 26, 7)
    height = np.zeros_like(x)
    at = uniform(rng, 34, 60)
    while at < 260:
        width = 0.10 * at + uniform(rng, 3, 8)
        presence = 0.55 + 0.45 * np.cos(theta * 1.0 + uniform(rng, 0, 6.3))
        height += uniform(rng, 5, 11) * presence * np.exp(-(((radius - at) / width) ** 2))
        at *= uniform(rng, 1.35, 1.75)
    return height


def _polyp(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, at: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the height, opacity and field of one polyp, sessile or flat."""
    r = uniform(rng, 15, 58)
    radii, angle = (r, r * uniform(rng, 0.62, 1.0)), uniform(rng, 0, 180)
    field = blob(rng, x, y, at, radii, angle, 0.07)
    flat = uniform(rng, 0.25, 0.75)
    dome = np.sqrt(np.clip(1 - field**2, 0, None))
    return dome * r * flat + dome * smooth_noise(rng, x.shape, 4, 0.7), soft(field, 0.15), field


def _draw_image(rng: np.random.Generator, tone: np.ndarray, count: int) -> PhantomImage:
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    shape = (_HEIGHT, _WIDTH)
    lumen = (uniform(rng, 20, _WIDTH - 20), uniform(rng, 20, _HEIGHT - 20))
    height = _folds(rng, x, y, lumen) + smooth_noise(rng, shape, 18, 3.5)
    height += smooth_noise(rng, shape, 3, 0.25)
    for _ in range(int(rng.integers(0, 3))):  # bumps that fade out, no polyps
        at, r = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT)), uniform(rng, 20, 50)
        height += uniform(rng, 5, 14) * np.exp(-(ellipse(x, y, at, (r, r * 0.7)) ** 2) * 1.5)

    image = np.broadcast_to(tone, (*shape, 3)) * (1 + smooth_noise(rng, shape, 30, 0.07))[..., None]
    masks: list[tuple[str, np.ndarray]] = []
    taken = np.zeros(shape, bool)
    for _ in range(count):
        at = (uniform(rng, 34, _WIDTH - 34), uniform(rng, 34, _HEIGHT - 34))
        bump, cover, field = _polyp(rng, x, y, at)
        mask = field < 1
        if (taken & mask).any():
            continue
        taken |= ndimage.binary_dilation(mask, iterations=5)
        height = height * (1 - 0.85 * cover) + bump
        shift = np.array(
            [uniform(rng, 0.9, 1.12), uniform(rng, 0.72, 1.12), uniform(rng, 0.75, 1.1)]
        )
        image = _mix(image, tone * shift, 0.65 * cover)
        pits = smooth_noise(rng, shape, 1.8, 0.06)
        image = image * (1 + pits * cover)[..., None]
        image = image * (1 - 0.14 * np.exp(-(((field - 1.06) * 14) ** 2)))[..., None]
        masks.append(('polyp', mask))

    image = _vessels(rng, image, taken)
    image = _light(rng, image, height, lumen)
    image, masks = _frame(rng, image, masks)
    return PhantomImage(np.clip(image, 0, 255).astype(np.uint8), tuple(masks))


def _vessels(rng: np.random.Generator, image: np.ndarray, polyps: np.ndarray) -> np.ndarray:
    """Draw the fine submucosal vessels, which polyps hide."""
    points = []
    for _ in range(int(rng.integers(4, 16))):
        start = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT))
        heading = uniform(rng, 0, 2 * math.pi)
        points.append(wander(rng, start, heading, int(rng.integers(25, 90)), 0.8, 0.09))
    distance = curve_distance(np.concatenate(points), _HEIGHT, _WIDTH)
    cover = soft(distance, 1.5, 0.8) * ~polyps
    return image * (1 - cover[..., None] * np.array([0.10, 0.30, 0.26]))


def _light(
    rng: np.random.Generator, image: np.ndarray, height: np.ndarray, lumen: tuple[float, float]
) -> np.ndarray:
    """Shade by the slope of the height map, darken the lumen and add wet highlights."""
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    smooth = ndimage.gaussian_filter(height, 1.2)
    slope_y, slope_x = np.gradient(smooth)
    toward_x, toward_y = (_WIDTH / 2 - x) / 150, (_HEIGHT / 2 - y) / 150
    dark_x, dark_y = (x - lumen[0]) / 200, (y - lumen[1]) / 200  # walls face the camera outwards
    normal = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    lit = normal * (1 - 0.35 * (slope_x * (toward_x + dark_x) + slope_y * (toward_y + dark_y)))
    lit *= 0.80 + 0.30 * uniform(rng, 0.6, 1) * (1 - ellipse(x, y, (152, 128), (210, 190)) ** 2)
    depth = np.hypot(x - lumen[0], y - lumen[1])
    lit *= 1 - 0.88 * soft(depth / uniform(rng, 30, 62), 1.4)
    image = image * np.clip(lit, 0.02, 1.5)[..., None]
    glint = smooth_noise(rng, height.shape, 2.2) + 0.9 * normal + 0.5 * lit
    shine = soft(-glint, 0.35, -uniform(rng, 3.6, 4.4))
    image = _mix(image, np.array([255, 250, 244], float), 0.95 * shine)
    if rng.random() < 0.3:  # bubbles
        for _ in range(int(rng.integers(4, 14))):
            at, r = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT)), uniform(rng, 2, 7)
            ring = np.exp(-(((ellipse(x, y, at, (r, r)) - 1) * r) ** 2))
            image = image + 50 * ring[..., None]
    if rng.random() < 0.25:  # stool
        at, r = (uniform(rng, 0, _WIDTH), uniform(rng, 0, _HEIGHT)), uniform(rng, 8, 28)
        stain = soft(blob(rng, x, y, at, (r, r * 0.6), uniform(rng, 0, 180), 0.25), 0.3)
        image = _mix(image, np.array([150, 118, 36], float), 0.8 * stain)
    return image


def _frame(
    rng: np.random.Generator, image: np.ndarray, masks: list[tuple[str, np.ndarray]]
) -> tuple[np.ndarray, list[tuple[str, np.ndarray]]]:
    """Blur, add noise and the black corners of the endoscope; cut the masks to the view."""
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    image = ndimage.gaussian_filter(image, (uniform(rng, 0.5, 1.1),) * 2 + (0,))
    image = image + rng.standard_normal(image.shape, dtype=np.float32) * uniform(rng, 1.5, 4)
    corner = uniform(rng, 0, 60)
    edge = np.minimum(x, _WIDTH - x) + np.minimum(y, _HEIGHT - y)
    view = (edge > corner) & (np.minimum(x, _WIDTH - x) > uniform(rng, 0, 12))
    image = image * view[..., None]
    kept = [(label, largest_part(mask & view)) for label, mask in masks]
    return image, [(label, mask) for label, mask in kept if mask.sum() >= 200]


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` frames of one colonoscopy, about one in five without a polyp.

    Args:
        rng: Generator of this patient.
        count: Number of frames, at least 1.

    Returns:
        Images of ``(256, 304, 3)`` uint8 RGB.
    """
    tone = np.array([uniform(rng, 195, 232), uniform(rng, 98, 140), uniform(rng, 80, 118)])
    return [_draw_image(rng, tone, int(rng.choice([0, 1, 1, 1, 2]))) for _ in range(count)]


SPEC = PhantomSpec(
    'endoscopy', _LABELS, draw, patients=32, images_per_patient=2, files='masks', suffix='.jpg'
)
