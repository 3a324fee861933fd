"""Chest X-ray: frontal radiographs by ray sums of a thorax, 8 and 16 bit.

Thickness maps of soft tissue, lung, bone and disease are summed along the beam and logged, as a
detector does, so that a nodule behind a rib or the heart keeps its low contrast. Nipples, vessels
seen end-on and rib crossings look like nodules; breasts look like consolidation.
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
_LABELS = ('lung_left', 'lung_right', 'heart', 'pulmonary_nodule', 'pneumonia')


class _Thorax:
    """One patient's chest in coordinates where the rib cage spans -1 to 1."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.width = uniform(rng, 0.24, 0.44)
        self.height = self.width * uniform(rng, 0.95, 1.3)
        self.angle = uniform(rng, -9, 9)
        slack = 0.52 - self.width
        self.center = tuple(0.5 + rng.uniform(-0.6, 0.6, 2) * slack)
        self.heart = uniform(rng, 0.24, 0.42)
        self.tilt = uniform(rng, 25, 50)
        self.domes = (uniform(rng, 0.35, 0.72), uniform(rng, 0.4, 0.8))
        self.breasts = uniform(rng, 0, 0.35) if rng.random() < 0.5 else 0.0
        self.fat = uniform(rng, 1.08, 1.3)
        self.lungs = [uniform(rng, 0.86, 1.06) for _ in range(2)]
        self.wide = rng.random() < 0.5  # stored with 16 bit

    def grid(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return cage coordinates ``(u, v)`` of one exposure, with a little new positioning."""
        x, y = pixel_grid(_SIZE, _SIZE)
        angle = math.radians(self.angle + uniform(rng, -3, 3))
        dx = x / _SIZE - self.center[0] - uniform(rng, -0.02, 0.02)
        dy = y / _SIZE - self.center[1] - uniform(rng, -0.02, 0.02)
        u = (dx * math.cos(angle) + dy * math.sin(angle)) / self.width
        v = (dy * math.cos(angle) - dx * math.sin(angle)) / self.height
        bend = smooth_noise(rng, (_SIZE, _SIZE), 40, 0.02)
        return u + bend, v + bend.T


def _lung(u: np.ndarray, v: np.ndarray, side: int, dome: float, size: float) -> np.ndarray:
    """Return the field of one lung; ``side`` is -1 on the image left (the patient's right)."""
    s = u * side
    cage = ellipse(s, v, (0.12, 0.35), (0.80 * size, 1.30), power=2.4)
    medial = (0.14 - s) / 0.5 + 1
    floor = (v - dome + 0.55 * (s - 0.46) ** 2 * 2) / 0.6 + 1
    return np.maximum.reduce([cage, medial, floor])


def _bones(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the thickness of ribs, clavicles, spine and shoulder blades along the beam."""
    bone = np.zeros_like(u)
    pitch, slope = uniform(rng, 0.19, 0.24), uniform(rng, 0.22, 0.4)
    reach = np.clip(1 - (np.abs(u) / 0.98) ** 6, 0, 1)
    for k in range(9):
        middle = -0.92 + k * pitch
        s = np.abs(u)
        for rise, strength in ((slope, 1.0), (-1.1 * slope, 0.55)):  # back and front arches
            line = v - middle - rise * (s - 0.35) - 0.35 * s * s * np.sign(rise)
            if rise < 0:
                line = line - 0.55
            rib = np.abs(line) / 0.042
            profile = np.where(rib < 1, 0.45 + 0.55 * rib**4, 0)
            inner = np.clip((s - (0.12 if rise > 0 else 0.35)) / 0.05, 0, 1)
            bone += strength * profile * reach * inner
    for side in (-1, 1):
        clavicle = ellipse(u * side, v, (0.52, -0.86), (0.48, 0.055), -14)
        bone += 1.1 * (clavicle < 1)
        blade = ellipse(u * side, v, (1.02, -0.45), (0.14, 0.5), 12)
        bone += 0.5 * soft(blade, 0.3)
    spine = np.abs(u) < 0.105
    gaps = 0.75 + 0.25 * (np.sin(v * 2 * math.pi / 0.155) > -0.75)
    return bone + 0.4 * spine * gaps


def _vessels(
    rng: np.random.Generator, lungs: np.ndarray, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Return the thickness of the branching vessels of both lungs."""
    total = np.zeros_like(u)
    for side in (-1, 1):
        at = np.argwhere(np.hypot(u - side * 0.22, v + 0.1) < 0.06)
        if not len(at):
            continue
        for width, count, steps in ((2.4, 4, 40), (1.5, 9, 60), (0.9, 14, 80)):
            points = []
            for _ in range(count):
                row, column = at[rng.integers(len(at))]
                heading = uniform(rng, -1.3, 1.3) + (math.pi if side < 0 else 0)
                points.append(wander(rng, (column, row), heading, steps, 1.0, 0.05))
            distance = curve_distance(np.concatenate(points), _SIZE, _SIZE)
            total += width * 0.11 * np.clip(1 - distance / (width + 0.6), 0, 1)
    return total * lungs


def _disease(
    rng: np.random.Generator, lungs: np.ndarray, thickness: np.ndarray
) -> list[tuple[str, np.ndarray]]:
    """Add nodules and consolidations to a thickness map; return their masks."""
    x, y = pixel_grid(_SIZE, _SIZE)
    masks: list[tuple[str, np.ndarray]] = []
    kinds = rng.choice(['none', 'nodule', 'pneumonia', 'both'], p=[0.2, 0.35, 0.25, 0.2])
    count = int(rng.integers(1, 4)) if kinds in ('nodule', 'both') else 0
    taken = np.zeros(lungs.shape, bool)
    if kinds in ('pneumonia', 'both'):
        at = pick_inside(rng, lungs, 12)
        if at:
            size = uniform(rng, 16, 38)
            field = blob(rng, x, y, at, (size, size * uniform(rng, 0.6, 1)), uniform(rng, 0, 180))
            field = field * (1 + smooth_noise(rng, lungs.shape, 6, 0.16))
            patchy = 0.75 + 0.35 * smooth_noise(rng, lungs.shape, 4)
            cloud = soft(field, 0.45) * np.clip(patchy, 0.1, 1.4) * uniform(rng, 0.38, 0.75)
            thickness += cloud * ndimage.gaussian_filter(lungs.astype(np.float32), 1.5)
            mask = largest_part((field < 1) & lungs)
            masks.append(('pneumonia', mask))
            taken |= ndimage.binary_dilation(mask, iterations=4)
    for _ in range(count):
        r = uniform(rng, 4.5, 13)
        at = pick_inside(rng, lungs & ~taken, r * 0.8 + 2)
        if at is None:
            continue
        field = blob(rng, x, y, at, (r, r * uniform(rng, 0.8, 1)), uniform(rng, 0, 180), 0.06)
        ball = np.sqrt(np.clip(1 - field * field, 0, None))
        thickness += ball * uniform(rng, 0.45, 0.85)
        masks.append(('pulmonary_nodule', field < 1))
        taken |= ndimage.binary_dilation(field < 1, iterations=4)
    return masks


def _draw_image(rng: np.random.Generator, body: _Thorax) -> PhantomImage:
    u, v = body.grid(rng)
    torso = ellipse(u, v, (0, 0.6), (body.fat, 2.2), power=4)
    neck = ellipse(u, v, (0, -1.5), (0.35, 0.75), power=3)
    arms = np.minimum(*(ellipse(u * s, v, (1.5, -0.6), (0.55, 0.42), 40) for s in (-1, 1)))
    tissue = 2.6 * soft(torso, 0.18) + 2.2 * soft(neck, 0.25) + 1.0 * soft(arms, 0.4)
    tissue = np.minimum(tissue, 2.9)

    fields = [_lung(u, v, s, d, w) for s, d, w in zip((-1, 1), body.domes, body.lungs, strict=True)]
    heart_at = (0.17 * body.heart / 0.3, min(body.domes) - 0.24)
    heart = blob(rng, u, v, heart_at, (body.heart * 1.18, body.heart * 0.95), body.tilt, 0.03)
    arch = ellipse(u, v, (0.12, -0.42), (0.13, 0.15))
    column = np.abs(u - 0.02) / np.maximum(0.15 + 0.04 * v, 0.05)
    middle = np.minimum.reduce([heart, arch, column])
    masks = []
    aerated = np.zeros(u.shape, bool)
    thickness = tissue
    for label, field in zip(('lung_right', 'lung_left'), fields, strict=True):
        thickness = thickness - 1.75 * soft(field, 0.14) * (tissue > 1)
        mask = (field < 1) & (middle > 1) & (torso < 0.97)
        aerated |= mask
        masks.append((label, mask))
    silhouette = 1.25 * soft(np.minimum(heart, arch), 0.16)
    thickness = thickness + np.maximum(silhouette, 0.3 * soft(column, 0.4)) * (torso < 1)
    thickness = np.minimum(thickness, 2.75)  # heart over liver is not twice as dense
    if body.breasts:
        for side in (-1, 1):
            breast = ellipse(u * side, v, (0.55, 0.62), (0.42, 0.42))
            thickness = thickness + body.breasts * soft(breast, 0.2)
            nipple = ellipse(u * side, v, (0.62, 0.72), (0.025, 0.025))
            thickness = thickness + 0.16 * (nipple < 1)
    masks.append(('heart', (heart < 1)))
    masks += _disease(rng, aerated, thickness)
    thickness = thickness + _vessels(rng, aerated, u, v)
    thickness = thickness + 0.5 * _bones(rng, u, v) * soft(torso, 0.05)
    airway = np.abs(u - 0.01) / 0.045
    thickness = thickness - 0.35 * soft(airway, 0.3) * (v < -0.28) * (v > -1.6)
    return PhantomImage(
        _expose(rng, thickness, body.wide), tuple(m for m in masks if m[1].sum() >= 20)
    )


def _expose(rng: np.random.Generator, thickness: np.ndarray, wide: bool) -> np.ndarray:
    """Blur, add quantum noise and scatter, and store with dense parts bright."""
    blurred = ndimage.gaussian_filter(np.clip(thickness, 0, None), 0.9)
    blurred = 0.9 * blurred + 0.1 * ndimage.gaussian_filter(blurred, 14)
    counts = np.exp(-0.85 * blurred)
    noise = rng.standard_normal(counts.shape, dtype=np.float32)
    counts = np.clip(counts + uniform(rng, 0.006, 0.02) * np.sqrt(counts) * noise, 1e-3, None)
    density = -np.log(counts)
    low, high = np.percentile(density, (1, 99.5))
    value = np.clip((density - low) / (high - low), 0, 1) ** uniform(rng, 0.8, 1.25)
    _stamp(rng, value)
    if wide:
        return np.rint(value * 4095).astype(np.uint16)
    return np.rint(value * 255).astype(np.uint8)


def _stamp(rng: np.random.Generator, value: np.ndarray) -> None:
    """Put the lead letter 'L' on the patient's left, which is the image right."""
    top, left = int(rng.integers(8, 40)), _SIZE - int(rng.integers(24, 40))
    value[top : top + 14, left : left + 3] = 1
    value[top + 11 : top + 14, left : left + 10] = 1


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` frontal radiographs of one patient, disease changing between them.

    Args:
        rng: Generator of this patient.
        count: Number of radiographs, at least 1.

    Returns:
        Images of ``(288, 288)``: uint8, or uint16 with 12 bits for half of the patients.
    """
    body = _Thorax(rng)
    return [_draw_image(rng, body) for _ in range(count)]


SPEC = PhantomSpec(
    'xray', _LABELS, draw, patients=32, images_per_patient=2, files='coco', suffix='.png'
)
