"""Shapes, fields and textures that the phantoms are painted with.

A *field* is a float array over the image that is below 1 inside a shape and above 1 outside, and
grows outwards. Coordinates are pixels or any affine change of them; ``x`` grows to the right and
``y`` downwards. All randomness comes from the generator that is passed in.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import ndimage

__all__ = [
    'blob',
    'curve_distance',
    'ellipse',
    'largest_part',
    'pick_inside',
    'pixel_grid',
    'profile',
    'smooth_noise',
    'soft',
    'split_parts',
    'uniform',
    'wander',
]


@functools.lru_cache(maxsize=8)
def pixel_grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel-centre coordinates ``x, y``, each ``(height, width)`` read-only float32."""
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    x.flags.writeable = y.flags.writeable = False
    return x, y


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw one plain float between ``low`` and ``high``."""
    return float(rng.uniform(low, high))


def ellipse(
    x: np.ndarray,
    y: np.ndarray,
    center: tuple[float, float],
    radii: tuple[float, float],
    angle: float = 0.0,
    power: float = 2.0,
) -> np.ndarray:
    """Return the field of a (super-)ellipse.

    Args:
        x: Coordinates, any shape.
        y: Coordinates, shape of ``x``.
        center: Centre ``(x, y)``.
        radii: Semi-axes along the rotated ``x`` and ``y``, each above 0.
        angle: Rotation in degrees, clockwise on the screen.
        power: 2 is an ellipse, larger is boxier.

    Returns:
        Field of the shape of ``x``: 0 in the centre, 1 on the outline.
    """
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    dx, dy = x - center[0], y - center[1]
    along, across = (dx * cos + dy * sin) / radii[0], (dy * cos - dx * sin) / radii[1]
    if power == 2.0:
        return np.sqrt(along * along + across * across)
    return (np.abs(along) ** power + np.abs(across) ** power) ** (1.0 / power)


def blob(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    center: tuple[float, float],
    radii: tuple[float, float],
    angle: float = 0.0,
    roughness: float = 0.12,
    harmonics: int = 5,
) -> np.ndarray:
    """Return the field of an ellipse whose outline is disturbed by random harmonics.

    Args:
        rng: Source of the harmonics.
        x: Coordinates, any shape.
        y: Coordinates, shape of ``x``.
        center: Centre ``(x, y)``.
        radii: Semi-axes before the disturbance.
        angle: Rotation in degrees.
        roughness: Size of the disturbance relative to the radius; 0 gives the ellipse.
        harmonics: Waves around the outline, at least 2; more gives a more jagged outline.

    Returns:
        Field of the shape of ``x``.
    """
    field = ellipse(x, y, center, radii, angle)
    waves = [
        (k, roughness * float(rng.normal()) * 2 / k, uniform(rng, 0, 2 * math.pi))
        for k in range(2, harmonics + 2)
    ]
    near = field < 2.0  # the outline lies between 0.5 and 1.8: farther out nothing changes
    theta = np.arctan2(y[near] - center[1], x[near] - center[0])
    edge = np.ones_like(theta)
    for k, amplitude, phase in waves:
        edge += amplitude * np.cos(k * theta + phase)
    field[near] /= np.clip(edge, 0.5, 1.8)
    return field


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, amplitude: float = 1.0
) -> np.ndarray:
    """Return random texture with features of about ``scale`` pixels.

    Args:
        rng: Source of the texture.
        shape: ``(H, W)``.
        scale: Standard deviation of the smoothing in pixels; 0 gives white noise.
        amplitude: Standard deviation of the result.

    Returns:
        Array ``(H, W)`` float32 of mean 0.
    """
    step = max(1, int(scale / 2.0))
    small = rng.standard_normal(tuple(-(-s // step) + 3 for s in shape), dtype=np.float32)
    if scale > 0:
        small = ndimage.gaussian_filter(small, scale / step, mode='wrap')
    small -= small.mean()
    small *= amplitude / max(float(small.std()), 1e-6)
    if step == 1:
        return small[: shape[0], : shape[1]]
    rows = np.arange(shape[0], dtype=np.float32) / step
    columns = np.arange(shape[1], dtype=np.float32) / step
    return _bilinear(small, rows, columns)


def _bilinear(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sample a small map at fractional rows and columns (both ascending and inside it)."""
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None], (columns - c)[None, :]
    upper = values[r][:, c] * (1 - fc) + values[r][:, c + 1] * fc
    lower = values[r + 1][:, c] * (1 - fc) + values[r + 1][:, c + 1] * fc
    return upper * (1 - fr) + lower * fr


def soft(values: np.ndarray, width: float, at: float = 1.0) -> np.ndarray:
    """Turn a field into an opacity: 1 inside, 0 outside, with an edge about ``width`` wide."""
    return 1.0 / (1.0 + np.exp(np.clip((values - at) * (4.0 / width), -30, 30)))


def profile(t: float, center: float, half_length: float) -> float:
    """Return the relative radius of an ellipsoid cut at height ``t``; 0 outside of it."""
    return math.sqrt(max(0.0, 1.0 - ((t - center) / half_length) ** 2))


def wander(
    rng: np.random.Generator,
    start: tuple[float, float],
    heading: float,
    steps: int,
    step: float = 2.0,
    bend: float = 0.15,
    pull: float = 0.0,
) -> np.ndarray:
    """Walk a smooth random path, as vessels and hairs do.

    Args:
        rng: Source of the turns.
        start: First point ``(x, y)``.
        heading: First direction in radians, 0 to the right and positive downwards.
        steps: Number of points.
        step: Distance between points in pixels.
        bend: Standard deviation of the turn per step in radians.
        pull: Constant turn per step in radians.

    Returns:
        Points ``(steps, 2)`` float64, the first one ``step`` away from ``start``.
    """
    turns = ndimage.gaussian_filter1d(rng.normal(0, bend, steps), 2.0, mode='nearest') * 2 + pull
    angles = heading + np.cumsum(turns)
    moves = step * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.asarray(start) + np.cumsum(moves, 0)


def curve_distance(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the distance of every pixel from a curve given by close-set points.

    Args:
        points: ``(N, 2)`` xy in pixels; those outside the image are ignored.
        height: Image height.
        width: Image width.

    Returns:
        Distances ``(height, width)`` float32, infinite when no point lies in the image.
    """
    empty = np.ones((height, width), bool)
    columns, rows = np.floor(points[:, 0]).astype(int), np.floor(points[:, 1]).astype(int)
    keep = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    if not keep.any():
        return np.full((height, width), np.inf, np.float32)
    empty[rows[keep], columns[keep]] = False
    return ndimage.distance_transform_edt(empty).astype(np.float32)


def pick_inside(
    rng: np.random.Generator, mask: np.ndarray, margin: float
) -> tuple[float, float] | None:
    """Draw a pixel of a mask at least ``margin`` pixels from its edge.

    Args:
        rng: Source of the choice.
        mask: Boolean ``(H, W)``.
        margin: Least distance from the edge in pixels.

    Returns:
        The pixel centre ``(x, y)``, or None where the mask has no such pixel.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    top, left = int(rows[0]), int(columns[0])
    part = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    inside = np.argwhere(ndimage.distance_transform_edt(part) >= margin)
    if not len(inside):
        return None
    row, column = inside[rng.integers(len(inside))]
    return float(column) + left - 0.5, float(row) + top - 0.5


def split_parts(mask: np.ndarray) -> list[np.ndarray]:
    """Return one mask per connected part (8 neighbours); none for an empty mask ``(H, W)``."""
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    return [parts == k for k in range(1, count + 1)]


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected part of a mask ``(H, W)``; an empty one stays empty."""
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    if count < 2:
        return mask
    return parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
