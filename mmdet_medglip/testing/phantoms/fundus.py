"""Fundus photographs: optic disc and cup, macula, vessel trees, on retinas of every tone.

Left and right eyes mirror each other; gaze, magnification and cup size vary. Hard exudates are as
bright as the disc, haemorrhages as dark as the macula.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .shapes import (
    blob,
    curve_distance,
    ellipse,
    pick_inside,
    pixel_grid,
    smooth_noise,
    soft,
    uniform,
    wander,
)
from .structure import PhantomImage, PhantomSpec

__all__ = ['SPEC']

_SIZE = 288
_LABELS = ('optic_disc', 'optic_cup', 'macula')
_RETINAS = np.array([[205, 98, 48], [178, 74, 34], [214, 122, 76], [140, 62, 36]], float)


def _mix(image: np.ndarray, color: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Lay a colour over an image ``(H, W, 3)`` with an opacity map ``(H, W)``."""
    return image + opacity[..., None] * (color - image)


def _vessel_tree(
    rng: np.random.Generator, disc: tuple[float, float], toward: int, size: float
) -> np.ndarray:
    """Return the opacity of the arcades and their branches, dark veins and thinner arteries."""
    cover = np.zeros((_SIZE, _SIZE), np.float32)
    step = 1.0
    trunks: list[tuple[np.ndarray, float]] = []
    for vertical in (-1, 1):
        for temporal in (True, True, False):
            lean = uniform(rng, 0.85, 1.35) if temporal else uniform(rng, 1.9, 2.5)
            heading = vertical * lean if toward > 0 else vertical * (math.pi - lean)
            pull = -vertical * toward * uniform(rng, 0.006, 0.013) if temporal else 0.0
            path = wander(rng, disc, heading, int(150 * size), step, 0.035, pull)
            trunks.append((path, uniform(rng, 1.6, 2.6) * size))
    branches = []
    for path, width in trunks:
        for at in rng.integers(12, len(path) - 10, 6):
            heading = math.atan2(*(path[at + 4] - path[at])[::-1]) + rng.choice([-1, 1]) * 0.6
            steps = int(uniform(rng, 30, 75) * size)
            branches.append((wander(rng, tuple(path[at]), heading, steps, step, 0.06), width * 0.5))
    for group, depth in ((trunks, 0.72), (branches, 0.5)):
        for k in range(2):  # two calibres per level are enough
            chosen = [path for i, (path, _) in enumerate(group) if i % 2 == k]
            width = float(np.mean([w for i, (_, w) in enumerate(group) if i % 2 == k]))
            distance = curve_distance(np.concatenate(chosen), _SIZE, _SIZE)
            cover = np.maximum(cover, depth * soft(distance, 1.3, width * (0.62 if k else 0.9)))
    return cover


def _draw_eye(rng: np.random.Generator, retina: np.ndarray, toward: int) -> PhantomImage:
    """Draw one photograph; ``toward`` is 1 when the macula lies to the right of the disc."""
    x, y = pixel_grid(_SIZE, _SIZE)
    shape = (_SIZE, _SIZE)
    size = uniform(rng, 0.75, 1.3)
    field_radius = uniform(rng, 122, 142)
    view = ellipse(x, y, (_SIZE / 2, _SIZE / 2), (field_radius, field_radius))
    gaze = (uniform(rng, -46, 46), uniform(rng, -46, 46))
    spread = 42 * size
    disc = (_SIZE / 2 + gaze[0] - toward * spread, _SIZE / 2 + gaze[1] + uniform(rng, -8, 8))
    fovea = (disc[0] + toward * uniform(rng, 78, 98) * size, disc[1] + uniform(rng, 4, 18) * size)
    tone = smooth_noise(rng, shape, 40, 0.10) + smooth_noise(rng, shape, 3, 0.035)
    image = np.broadcast_to(retina, (*shape, 3)) * (1 + tone)[..., None]
    if rng.random() < 0.4:  # choroidal vessels shine through
        stripes = np.exp(-((smooth_noise(rng, shape, 6) / 0.4) ** 2))
        image = _mix(image, retina * 1.2, 0.35 * stripes)

    spot = uniform(rng, 17, 25) * size
    macula = blob(rng, x, y, fovea, (spot, spot * 0.9), 0, 0.04)
    image = _mix(image, retina * np.array([0.42, 0.3, 0.3]), 0.85 * soft(macula, 1.1, 0.6))
    image = _mix(image, retina * np.array([1.2, 1.3, 1.3]), 0.25 * soft(macula * 6, 2))

    masks = []
    image = _blemishes(rng, image, retina, view)
    radius = uniform(rng, 15, 21) * size
    radii = (radius * uniform(rng, 0.84, 0.98), radius)
    disc_field = blob(rng, x, y, disc, radii, uniform(rng, -15, 15), 0.025)
    ratio = uniform(rng, 0.32, 0.78)
    cup_at = (disc[0] + toward * uniform(rng, 0, 0.08) * radius, disc[1] + uniform(rng, -1, 1))
    cup_field = blob(rng, x, y, cup_at, (radii[0] * ratio, radii[1] * ratio), 0, 0.04)
    pale = np.array([250, 190, 116]) * uniform(rng, 0.82, 1.02)
    image = _mix(image, retina * 1.25, 0.5 * soft(disc_field, 0.3, 1.2))
    image = _mix(image, pale, 0.88 * soft(disc_field, 0.22))
    image = _mix(image, np.array([255, 236, 190], float), 0.75 * soft(cup_field, 0.35))
    tree = _vessel_tree(rng, disc, toward, size)
    image = _mix(image, retina * np.array([0.52, 0.30, 0.32]), tree)

    image = ndimage.gaussian_filter(image, (uniform(rng, 0.5, 1.3),) * 2 + (0,))
    fall = 1.06 - uniform(rng, 0.15, 0.5) * view**2
    image = image * (fall * soft(view, 0.012))[..., None] * uniform(rng, 0.8, 1.12)
    image = image + rng.standard_normal(image.shape, dtype=np.float32) * uniform(rng, 1.5, 4)
    for label, field in (('optic_disc', disc_field), ('optic_cup', cup_field), ('macula', macula)):
        mask = field < 1
        seen = mask & (view < 0.97)
        if seen.sum() > 0.6 * math.pi * (spot if label == 'macula' else radius * 0.5) ** 2 * 0.5:
            masks.append((label, seen))
    return PhantomImage(np.clip(image, 0, 255).astype(np.uint8), tuple(masks))


def _blemishes(
    rng: np.random.Generator, image: np.ndarray, retina: np.ndarray, view: np.ndarray
) -> np.ndarray:
    """Scatter exudates and haemorrhages over half of the photographs, and a lens reflex."""
    x, y = pixel_grid(_SIZE, _SIZE)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(3, 14))):
            at = pick_inside(rng, view < 0.9, 2)
            if at is None:
                continue
            r = uniform(rng, 1.5, 8)
            spot = soft(blob(rng, x, y, at, (r, r * 0.8), uniform(rng, 0, 180), 0.25), 0.5)
            bright = rng.random() < 0.5
            color = np.array([240, 205, 130]) if bright else retina * np.array([0.5, 0.3, 0.3])
            image = _mix(image, color.astype(float), 0.75 * spot)
    if rng.random() < 0.3:
        side = rng.choice([-1, 1])
        reflex = ellipse(x, y, (_SIZE / 2 + side * 120, uniform(rng, 60, 228)), (26, 60))
        image = _mix(image, np.array([225, 200, 170], float), 0.4 * soft(reflex, 1.2))
    return image


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` photographs of one patient, right and left eye in turn.

    Args:
        rng: Generator of this patient.
        count: Number of photographs, at least 1.

    Returns:
        Images of ``(288, 288, 3)`` uint8 RGB.
    """
    retina = _RETINAS[rng.integers(len(_RETINAS))] * uniform(rng, 0.85, 1.1)
    return [_draw_eye(rng, retina, 1 if k % 2 else -1) for k in range(count)]


SPEC = PhantomSpec(
    'fundus', _LABELS, draw, patients=32, images_per_patient=2, files='masks', suffix='.png'
)
