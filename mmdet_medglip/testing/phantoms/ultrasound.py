"""Ultrasound: linear scans of the neck and sector scans of a fetal head, with speckle.

Echo strength is painted first; fully developed speckle multiplies it, depth attenuates it, shadows
and enhancement follow the beam, and log compression makes the picture. Vessels, muscles and cysts
mislead on the neck, other limbs and the placenta around the head.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .shapes import blob, ellipse, pick_inside, pixel_grid, smooth_noise, soft, split_parts, uniform
from .structure import PhantomImage, PhantomSpec

__all__ = ['SPEC']

_HEIGHT, _WIDTH = 256, 320
_LABELS = ('thyroid_nodule', 'fetal_head')


def _speckle(rng: np.random.Generator, grain: tuple[float, float]) -> np.ndarray:
    """Return Rayleigh-distributed speckle of mean 1 with grains of the given size in pixels."""
    parts = [
        ndimage.gaussian_filter(rng.standard_normal((_HEIGHT, _WIDTH), dtype=np.float32), grain)
        for _ in range(2)
    ]
    speckle = np.hypot(*parts)
    return speckle / speckle.mean()


def _compress(
    rng: np.random.Generator, echo: np.ndarray, grain: tuple[float, float], gain: float
) -> np.ndarray:
    """Turn echo strength into a log-compressed 8-bit picture, values in 0..255 as float."""
    noisy = echo * _speckle(rng, grain) + 0.004 * _speckle(rng, (0.6, 0.6))
    decibel = 20 * np.log10(np.maximum(ndimage.gaussian_filter(noisy, 0.6), 1e-4))
    return np.clip((decibel + gain) / gain, 0, 1.05) ** 1.9 * 230


def _beam_shadow(mask: np.ndarray, strength: float, width: float = 3.0) -> np.ndarray:
    """Return a factor that dims what lies below a mask along vertical beams."""
    below = np.cumsum(mask, 0) > 0
    dim = ndimage.gaussian_filter((below & ~mask).astype(np.float32), (width, width))
    return 1 - strength * dim


def _layers(rng: np.random.Generator, y: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Return the echo of skin, fat and strap muscles above the gland, with bright fasciae."""
    depth = y + bend
    echo = np.full(depth.shape, 0.12, np.float32)
    at = 0.0
    for thickness, strength in (
        (7, 0.75),
        (uniform(rng, 12, 26), 0.16),
        (uniform(rng, 14, 30), 0.07),
    ):
        echo[(depth >= at) & (depth < at + thickness)] = strength
        echo[np.abs(depth - at - thickness) < 1.3] = 0.7
        at += thickness
    return echo


def _neck(rng: np.random.Generator, gain: float) -> PhantomImage:
    """Draw a transverse or longitudinal scan of the thyroid."""
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    shape = (_HEIGHT, _WIDTH)
    bend = smooth_noise(rng, shape, 45, 7)
    echo = _layers(rng, y, bend)
    at = (uniform(rng, 90, 230), uniform(rng, 105, 145))
    radii = (uniform(rng, 75, 125), uniform(rng, 42, 66))
    lobe = blob(rng, x, y + bend, at, radii, uniform(rng, -14, 14), 0.05)
    echo[lobe < 1] = uniform(rng, 0.22, 0.34)
    echo[np.abs(lobe - 1) < 0.018] = 0.7
    side = 1 if at[0] < 160 else -1
    carotid_at = (at[0] + side * (radii[0] + 24), at[1] + uniform(rng, 5, 30))
    carotid = blob(rng, x, y, carotid_at, (17, 16), 0, 0.03)
    echo[carotid < 1.12] = 0.55
    echo[carotid < 1] = 0.006
    echo *= np.exp(0.22 * smooth_noise(rng, shape, 7))
    for _ in range(int(rng.integers(1, 5))):  # small vessels and cysts inside the gland
        spot = pick_inside(rng, lobe < 1, 5)
        if spot:
            r = uniform(rng, 1.5, 4)
            cyst = ellipse(x, y, spot, (r * 1.6, r), uniform(rng, -30, 30))
            echo[cyst < 1] = 0.015
    nodules = np.zeros(shape, bool)
    for _ in range(int(rng.choice([0, 1, 1, 1, 2]))):
        r = uniform(rng, 11, 36)
        spot = pick_inside(rng, (lobe < 1) & ~nodules, min(r * 0.8, radii[1] * 0.6))
        if spot is None:
            continue
        field = blob(rng, x, y, spot, (r, r * uniform(rng, 0.6, 1)), uniform(rng, -25, 25), 0.08)
        echo, mask = _nodule(rng, echo, field)
        nodules |= mask
    masks = [('thyroid_nodule', part) for part in split_parts(nodules)]
    attenuation = np.exp(-y / uniform(rng, 150, 320))
    picture = _compress(rng, echo * attenuation * 2.2, (0.8, 1.7), gain)
    return PhantomImage(np.clip(picture, 0, 255).astype(np.uint8), tuple(masks))


def _nodule(
    rng: np.random.Generator, echo: np.ndarray, field: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paint one nodule: dark solid, cystic, bright or with calcifications."""
    mask = field < 1
    kind = rng.choice(['dark', 'dark', 'cystic', 'bright'])
    level = {'dark': 0.42, 'cystic': 0.14, 'bright': 1.75}[str(kind)]
    inside = soft(field, 0.12)
    echo = echo * (1 - inside) + echo * level * inside
    echo = np.where(np.abs(field - 1) < 0.05, echo * (0.5 if kind == 'bright' else 1.2), echo)
    echo = np.where(mask, echo * np.exp(0.25 * smooth_noise(rng, echo.shape, 4)), echo)
    if kind == 'cystic':  # enhancement behind fluid
        echo = echo * (2 - _beam_shadow(mask, 0.6))
    elif rng.random() < 0.35:
        points = mask & (smooth_noise(rng, echo.shape, 1.2) > 2.4)
        echo = np.where(points, 0.9, echo) * _beam_shadow(points, 0.35, 1.5)
    return echo, mask


def _fetus(rng: np.random.Generator, gain: float) -> PhantomImage:
    """Draw a sector scan of the uterus with a fetal head in axial section."""
    x, y = pixel_grid(_HEIGHT, _WIDTH)
    shape = (_HEIGHT, _WIDTH)
    apex = (_WIDTH / 2 + uniform(rng, -20, 20), uniform(rng, -90, -25))
    radius = np.hypot(x - apex[0], y - apex[1])
    sector = (np.abs(np.arctan2(x - apex[0], y - apex[1])) < uniform(rng, 0.5, 0.8)) & (
        (radius > 40 - apex[1] * 0.4) & (radius < 250 - apex[1])
    )
    wall = uniform(rng, 28, 60)
    echo = np.full(shape, 0.02, np.float32)
    placenta = y + smooth_noise(rng, shape, 40, 16)
    echo[placenta < wall + 25] = 0.2
    echo[placenta > _HEIGHT - uniform(rng, 10, 60)] = 0.28
    for _ in range(int(rng.integers(1, 4))):  # limbs and body
        at = (uniform(rng, 30, 290), uniform(rng, 60, 235))
        limb = blob(
            rng, x, y, at, (uniform(rng, 14, 42), uniform(rng, 10, 22)), uniform(rng, 0, 180)
        )
        echo[limb < 1] = uniform(rng, 0.1, 0.25)
        echo[np.abs(limb - 1) < 0.10] = 0.6
    r = uniform(rng, 34, 84)
    reach_x, reach_y = r * 0.9 + 45, r * 0.8 + 34
    at = (
        uniform(rng, min(reach_x, 158), max(_WIDTH - reach_x, 162)),
        uniform(rng, min(reach_y, 135), max(_HEIGHT - 0.8 * r - 6, 137)),
    )
    angle = uniform(rng, -60, 60)
    ratio = uniform(rng, 0.72, 0.86)
    head = blob(rng, x, y, at, (r, r * ratio), angle, 0.015)
    echo[head < 1] = 0.055
    echo = echo * np.where(head < 1, np.exp(0.6 * smooth_noise(rng, shape, 4)), 1)
    along = (x - at[0]) * math.cos(math.radians(angle)) + (y - at[1]) * math.sin(
        math.radians(angle)
    )
    across = (y - at[1]) * math.cos(math.radians(angle)) - (x - at[0]) * math.sin(
        math.radians(angle)
    )
    falx = (np.abs(across + smooth_noise(rng, shape, 12, 1.2)) < 1.2) & (head < 0.85)
    echo[falx & (np.abs(along) > 0.12 * r)] = 0.4
    for side in (-1, 1):  # thalami, then bright choroid
        thalamus = np.hypot(along / (0.2 * r), (across - side * 0.13 * r) / (0.12 * r))
        echo[thalamus < 1] = 0.03
        choroid = np.hypot((along + 0.42 * r) / (0.2 * r), (across - side * 0.28 * r) / (0.07 * r))
        echo[choroid < 1] = 0.22
    # Bone reflects where the beam meets it head-on: the flanks of the skull fade.
    facing = np.abs((x - at[0]) * (x - apex[0]) + (y - at[1]) * (y - apex[1]))
    facing = facing / np.maximum(np.hypot(x - at[0], y - at[1]) * radius, 1)
    thick = np.abs(head - 1 + 2.2 / r) < 3.0 / r
    echo = np.where(thick, 0.25 + 1.5 * facing**1.5, echo)
    echo = np.where((head > 1) & (y > at[1]), echo * 0.75, echo)
    picture = _compress(rng, echo * np.exp(-y / uniform(rng, 260, 500)), (0.9, 1.5), gain)
    picture = np.where(sector, picture, 0)
    mask = (head < 1) & sector
    masks = (('fetal_head', mask),) if mask.sum() > 0.8 * (head < 1).sum() else ()
    if not masks:
        return _fetus(rng, gain)
    return PhantomImage(np.clip(picture, 0, 255).astype(np.uint8), masks)


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` pictures of one examination: of the neck or of a fetus.

    Args:
        rng: Generator of this patient.
        count: Number of pictures, at least 1.

    Returns:
        Pictures of ``(256, 320)`` uint8.
    """
    gain = uniform(rng, 42, 58)
    paint = _neck if rng.random() < 0.6 else _fetus
    return [paint(rng, gain) for _ in range(count)]


SPEC = PhantomSpec(
    'ultrasound', _LABELS, draw, patients=34, images_per_patient=2, files='masks', suffix='.png'
)
