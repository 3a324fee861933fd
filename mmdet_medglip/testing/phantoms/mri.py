"""Brain MR: axial slices from the posterior fossa up, in T1, T2, FLAIR or contrast-enhanced T1.

Intensities are arbitrary units, scaled anew for every patient as scanners do. Lesions are gliomas
and metastases whose contrast depends on the sequence; white-matter spots and bright scalp vessels
mislead. The brain fills between a third and nearly all of the field of view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .shapes import (
    blob,
    ellipse,
    pick_inside,
    pixel_grid,
    profile,
    smooth_noise,
    split_parts,
    uniform,
)
from .structure import PhantomImage, PhantomSpec

__all__ = ['SPEC']

_SIZE = 224
_LABELS = ('brain', 'cerebellum', 'brainstem', 'ventricle', 'brain_tumor')
_FOSSA = 0.2
"""Height below which slices cut the posterior fossa instead of the lateral ventricles."""

_SEQUENCES = {
    # scalp fat, bone, fluid, grey, white, oedema, core, rim
    't1': (0.95, 0.08, 0.16, 0.46, 0.62, 0.40, 0.34, 0.38),
    't1c': (0.95, 0.08, 0.15, 0.44, 0.58, 0.38, 0.26, 0.98),
    't2': (0.75, 0.08, 0.98, 0.56, 0.42, 0.78, 0.86, 0.66),
    'flair': (0.62, 0.08, 0.10, 0.54, 0.44, 0.86, 0.58, 0.74),
}
"""Relative brightness of the tissues by sequence."""


@dataclass(frozen=True)
class _Head:
    """Proportions that all slices of one patient share; lengths relative to the skull."""

    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float
    bend: np.ndarray
    sequence: str
    atrophy: float
    tumors: tuple[tuple[float, float, float, float], ...]
    gain: float
    noise: float


def _draw_head(rng: np.random.Generator) -> _Head:
    half_height = uniform(rng, 40, 106)
    slack = _SIZE / 2 - 4 - half_height
    count = int(rng.choice([0, 1, 1, 1, 2]))
    tumors = []
    for _ in range(count):
        angle, radius = uniform(rng, 0, 2 * math.pi), uniform(rng, 0.25, 0.62)
        at = (radius * math.sin(angle), radius * math.cos(angle))
        tumors.append((*at, uniform(rng, 0.3, 0.75), uniform(rng, 0.12, 0.27)))
    return _Head(
        center=tuple(_SIZE / 2 + rng.uniform(-1, 1, 2) * slack),
        radii=(half_height * uniform(rng, 0.74, 0.86), half_height),
        angle=uniform(rng, -24, 24),
        bend=smooth_noise(rng, (_SIZE, _SIZE), 30, 0.025),
        sequence=str(rng.choice(list(_SEQUENCES))),
        atrophy=uniform(rng, 0.6, 1.5),
        tumors=tuple(tumors),
        gain=math.exp(uniform(rng, 4.8, 8.1)),
        noise=uniform(rng, 0.02, 0.085),
    )


def _cortex(rng: np.random.Generator, radial: np.ndarray, atrophy: float) -> np.ndarray:
    """Return a folded depth map: about 0 at the surface of the brain, growing inwards."""
    ridges = np.abs(smooth_noise(rng, radial.shape, 4.0))
    folds = np.exp(-((ridges / 0.25) ** 2))
    return (1 - radial) - (0.10 + 0.14 * atrophy) * folds


def _draw_slice(rng: np.random.Generator, head: _Head, t: float) -> PhantomImage:
    """Draw one slice at height ``t``: 0 just above the skull base, 1 near the vertex."""
    fat, bone, fluid, grey, white, oedema, core, rim = _SEQUENCES[head.sequence]
    x, y = pixel_grid(_SIZE, _SIZE)
    cos, sin = math.cos(math.radians(head.angle)), math.sin(math.radians(head.angle))
    dx, dy = x - head.center[0], y - head.center[1]
    size = profile(t, 0.2, 1.15)
    u = (dx * cos + dy * sin) / (head.radii[0] * size) + head.bend
    v = (dy * cos - dx * sin) / (head.radii[1] * size) + head.bend.T

    skull = ellipse(u, v, (0, 0), (1, 1), power=2.15)
    image = np.zeros((_SIZE, _SIZE), np.float32)
    image[skull < 1] = fat
    image[skull < 0.95] = bone
    image[skull < 0.935] = 0.55 * fat  # marrow between the tables of the skull
    image[skull < 0.912] = bone
    image[skull < 0.897] = fluid
    inside = 0.885 - 0.02 * head.atrophy
    radial = blob(rng, u, v, (0, 0), (inside, inside), 0, 0.01)
    depth = _cortex(rng, radial, head.atrophy)
    fissure = (np.abs(u + 0.01 * np.sin(v * 9)) < 0.012 + 0.008 * head.atrophy) & (
        (np.abs(v) > 0.42) | (t > 0.75)
    )
    brain = (radial < 1) & (skull < 0.897)
    matter = brain & (depth > 0.0) & ~fissure
    image[matter] = grey
    wavy = 0.14 + 0.03 * smooth_noise(rng, image.shape, 5)
    image[matter & (depth > wavy)] = white
    if _FOSSA < t < 0.6:  # basal ganglia
        for side in (-1, 1):
            nuclei = blob(rng, u, v, (side * 0.24, -0.02), (0.13, 0.24), side * -14, 0.08)
            image[nuclei < 1] = grey

    fossa: list[tuple[str, np.ndarray]] = []
    ventricle = np.zeros_like(brain)
    if t < _FOSSA:
        fossa = _posterior_fossa(rng, image, u, v, brain, (fluid, grey, white))
    else:
        ventricle = _ventricles(rng, u, v, t, head.atrophy) & matter
        image[ventricle] = fluid
    for _ in range(int(rng.integers(0, 4))):  # small white-matter spots, no lesion
        at = pick_inside(rng, matter & (depth > 0.2), 3)
        if at:
            image[ellipse(x, y, at, (2.0, 1.6)) < 1] = 0.5 * (oedema + white)

    tumors = np.zeros_like(brain)
    for cu, cv, height, radius in head.tumors:
        r = radius * profile(t, height, 0.30)
        if r < 0.07:
            continue
        swelling = blob(rng, u, v, (cu, cv), (r * 1.7, r * 1.5), uniform(rng, 0, 180), 0.2)
        image[(swelling < 1) & matter & ~ventricle] = oedema
        field = blob(rng, u, v, (cu, cv), (r, r * uniform(rng, 0.75, 1.0)), 30, 0.14)
        tumor = (field < 1) & brain
        if tumor.sum() < 30:
            continue
        image[tumor] = rim
        image[tumor & (field < uniform(rng, 0.6, 0.85))] = core
        image[tumor] += smooth_noise(rng, image.shape, 2.5, 0.05)[tumor]
        ventricle &= ~tumor
        tumors |= tumor
        fossa = [(label, mask & ~tumor) for label, mask in fossa]
    masks = [('brain', ndimage.binary_fill_holes(brain))]
    masks += [(label, mask) for label, mask in fossa if mask.sum() >= 20]
    if ventricle.sum() >= 20:
        masks.append(('ventricle', ventricle))
    masks += [('brain_tumor', part) for part in split_parts(tumors) if part.sum() >= 20]

    image = ndimage.gaussian_filter(image, 0.8)
    image *= np.clip(1 + smooth_noise(rng, image.shape, 45, 0.2), 0.5, 1.6)  # coil sensitivity
    real = image + head.noise * rng.standard_normal(image.shape, dtype=np.float32)
    other = head.noise * rng.standard_normal(image.shape, dtype=np.float32)
    magnitude = np.hypot(real, other) * head.gain
    return PhantomImage(np.clip(np.rint(magnitude), 0, 4095).astype(np.int16), tuple(masks))


def _posterior_fossa(
    rng: np.random.Generator,
    image: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    brain: np.ndarray,
    tissue: tuple[float, float, float],
) -> list[tuple[str, np.ndarray]]:
    """Paint cerebellum, fourth ventricle and brainstem; return the masks of the organs.

    Args:
        rng: Source of their proportions.
        image: Slice, painted in place.
        u: Head coordinate, positive to the image right.
        v: Head coordinate, positive to the back.
        brain: Mask of the inside of the skull.
        tissue: Brightness of fluid, grey and white matter.
    """
    fluid, grey, white = tissue
    center = (uniform(rng, -0.05, 0.05), uniform(rng, 0.40, 0.54))
    radii = (uniform(rng, 0.42, 0.62), uniform(rng, 0.28, 0.38))
    lobes = blob(rng, u, v, center, radii, uniform(rng, -5, 5), 0.04)
    notch = ellipse(u, v, (center[0], center[1] + radii[1]), (0.06, 0.14))
    pons = blob(rng, u, v, (center[0], center[1] - radii[1] - 0.06), (0.17, 0.16), 0, 0.05)
    image[(np.minimum(lobes / 1.1, pons / 1.25) < 1) & brain] = fluid
    cerebellum = (lobes < 1) & (notch > 1) & brain
    folia = np.sin(lobes * uniform(rng, 24, 34) + 3 * u) > 0.1
    image[cerebellum] = grey
    image[cerebellum & (folia | (lobes < 0.45))] = 0.6 * white + 0.4 * grey
    stem = (pons < 1) & brain
    image[stem] = white
    image[ellipse(u, v, (center[0], center[1] - radii[1] + 0.14), (0.07, 0.05)) < 1] = fluid
    return [('cerebellum', cerebellum & ~stem), ('brainstem', stem)]


def _ventricles(
    rng: np.random.Generator, u: np.ndarray, v: np.ndarray, t: float, atrophy: float
) -> np.ndarray:
    """Return the lateral ventricles: two bodies whose horns turn outwards, fused by a third."""
    size = profile(t, 0.42, 0.38) * (0.75 + 0.3 * atrophy)
    if size < 0.3:
        return np.zeros(u.shape, bool)
    found = np.zeros(u.shape, bool)
    for side in (-1, 1):
        grow = size * uniform(rng, 0.85, 1.15)
        front = blob(rng, u, v, (side * 0.10, -0.20), (0.055 * grow, 0.21 * grow), side * 20, 0.1)
        back = blob(rng, u, v, (side * 0.17, 0.25), (0.075 * grow, 0.22 * grow), side * -28, 0.1)
        body = ellipse(u, v, (side * 0.07, 0.02), (0.045 * grow, 0.22 * grow))
        found |= (front < 1) | (back < 1) | (body < 1)
    if t < 0.4:
        found |= ellipse(u, v, (0, 0.06), (0.022 * atrophy, 0.12)) < 1
    return found


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` axial slices of one brain, from below upwards.

    Args:
        rng: Generator of this patient.
        count: Number of slices, at least 1.

    Returns:
        Slices of ``(224, 224)`` int16 arbitrary units, display orientation, caudal first.
    """
    head = _draw_head(rng)
    heights = [0.84 * (k + uniform(rng, 0.2, 0.8)) / count for k in range(count)]
    return [_draw_slice(rng, head, t) for t in heights]


SPEC = PhantomSpec(
    'mri',
    _LABELS,
    draw,
    patients=18,
    images_per_patient=4,
    files='nnunet',
    suffix='.nii.gz',
    spacing_mm=(1.0, 1.0, 15.0),
    contains={'brain': ('cerebellum', 'brainstem', 'ventricle', 'brain_tumor')},
)
