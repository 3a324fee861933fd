"""Proportions of a phantom patient in abdominal CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shapes import profile, smooth_noise, uniform

__all__ = ['CtPatient', 'draw_ct_patient']

_PHASES = {
    'native': dict(liver=56, spleen=48, cortex=32, medulla=31, aorta=40, veins=38, vessels=40),
    'arterial': dict(liver=72, spleen=125, cortex=185, medulla=75, aorta=310, veins=55, vessels=62),
    'portal': dict(
        liver=112, spleen=122, cortex=178, medulla=158, aorta=158, veins=150, vessels=150
    ),
}
"""Typical HU of the organs by contrast phase."""


@dataclass(frozen=True)
class CtPatient:
    """Proportions that all slices of one patient share; lengths in cavity units."""

    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float
    squareness: float
    fat: float
    wall: float
    warp: tuple[np.ndarray, np.ndarray]
    phase: str
    tissue: dict[str, float]
    shift: dict[str, tuple[float, float]]
    scale: dict[str, float]
    lift: dict[str, float]
    noise: float
    lesions: bool
    stones: bool

    def place(self, organ: str, u: float, v: float) -> tuple[float, float]:
        """Return where this patient has an organ that usually is at ``(u, v)``."""
        du, dv = self.shift[organ]
        return u + du, v + dv

    def cut(self, organ: str, t: float, center: float, half_length: float) -> float:
        """Return the relative size of an organ at height ``t``, 0 where the slice misses it."""
        return profile(t, center + self.lift[organ], half_length) * self.scale[organ]


_ORGANS = ('liver', 'spleen', 'kidney_left', 'kidney_right', 'aorta', 'spine', 'stomach', 'bile')


def draw_ct_patient(rng: np.random.Generator, size: int) -> CtPatient:
    """Draw the proportions of one patient.

    Args:
        rng: Generator of this patient.
        size: Width and height of the slices in pixels.
    """
    half_width = uniform(rng, 84, 118)
    slack = size / 2 - 2 - half_width
    phase = str(rng.choice(list(_PHASES)))
    tissue = {name: hu + uniform(rng, -8, 8) for name, hu in _PHASES[phase].items()}
    if rng.random() < 0.25:  # fatty liver
        tissue['liver'] -= uniform(rng, 20, 45)
    jitter = {'aorta': 0.035, 'spine': 0.02}
    shape = (size, size)
    return CtPatient(
        center=(size / 2 + uniform(rng, -1, 1) * slack, size / 2 + uniform(rng, -26, 26)),
        radii=(half_width, half_width * uniform(rng, 0.66, 0.80)),
        angle=uniform(rng, -14, 14),
        squareness=uniform(rng, 2.1, 2.7),
        fat=uniform(rng, 0.03, 0.16),
        wall=uniform(rng, 0.05, 0.08),
        warp=(smooth_noise(rng, shape, 34, 0.035), smooth_noise(rng, shape, 34, 0.05)),
        phase=phase,
        tissue=tissue,
        shift={
            name: tuple(rng.normal(0, jitter.get(name, 0.06), 2).clip(-0.13, 0.13))
            for name in _ORGANS
        },
        scale={name: uniform(rng, 0.78, 1.16) for name in _ORGANS},
        lift={name: uniform(rng, -0.1, 0.1) for name in _ORGANS},
        noise=uniform(rng, 7, 15),
        lesions=rng.random() < 0.75,
        stones=rng.random() < 0.75,
    )
