"""Abdominal CT: axial slices from the dome of the liver to the lower kidney poles, in HU.

A patient is a set of random proportions (size, place and rotation in the scanner, fat, organ
positions, contrast phase); a slice cuts this anatomy at a height ``t`` between 0 (dome) and 1
(lower poles). Organs live in *cavity coordinates* ``(u, v)``: (-1, 0) is the inner wall on the
patient's right, which is the image left, and (0, 1) the inner wall at the back. A smooth random
warp bends all of it. What is no label is there to mislead: gallbladder and renal cysts look like
liver lesions, oral contrast and calcified vessel walls look like kidney stones.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .ct_patient import CtPatient, draw_ct_patient
from .shapes import (
    blob,
    ellipse,
    largest_part,
    pick_inside,
    pixel_grid,
    smooth_noise,
    split_parts,
    uniform,
)
from .structure import PhantomImage, PhantomSpec

__all__ = ['SPEC']

_SIZE = 256
_LABELS = (
    'liver',
    'spleen',
    'kidney_left',
    'kidney_right',
    'aorta',
    'vertebrae',
    'liver_lesion',
    'kidney_stone',
)
_SMALLEST_AREA = 24
"""Cross-sections of fewer pixels are the tip of an organ and are not drawn."""


class _Slice:
    """One slice being painted: HU values and a label map, organ after organ."""

    def __init__(self, rng: np.random.Generator, patient: CtPatient, t: float) -> None:
        self.rng, self.p, self.t = rng, patient, t
        x, y = pixel_grid(_SIZE, _SIZE)
        cos, sin = math.cos(math.radians(patient.angle)), math.sin(math.radians(patient.angle))
        dx, dy = x - patient.center[0], y - patient.center[1]
        u = (dx * cos + dy * sin) / patient.radii[0] + patient.warp[0] * 0.6
        v = (dy * cos - dx * sin) / patient.radii[1] + patient.warp[1] * 0.6
        self.body = ellipse(u, v, (0, 0), (1, 1), power=patient.squareness)
        # Backs are flatter and carry less fat than bellies.
        self.body = np.where(v > 0, np.maximum(self.body, (v + 0.06) / 0.98), self.body)
        inner = 1 - patient.fat - patient.wall
        self.u, self.v = u / inner + patient.warp[0], v / inner + patient.warp[1]
        self.wall = self.body / inner
        self.hu = np.full((_SIZE, _SIZE), -1000, np.float32)
        self.labels = np.zeros((_SIZE, _SIZE), np.uint8)

    def fill(self, mask: np.ndarray, hu: float, label: str | None = None) -> None:
        """Paint a tissue; it covers what was there, and its label."""
        self.hu[mask] = hu
        self.labels[mask] = _LABELS.index(label) + 1 if label else 0

    def oval(
        self,
        center: tuple[float, float],
        radii: tuple[float, float],
        angle: float = 0,
        rough: float = 0.05,
    ) -> np.ndarray:
        """Return the field of a slightly irregular ellipse in cavity coordinates."""
        return blob(self.rng, self.u, self.v, center, radii, angle, rough)

    # -- tissues, in painting order ----------------------------------------------------------

    def frame(self) -> None:
        """Table, skin, fat, abdominal wall with ribs, and the fat of the cavity."""
        rng, p = self.rng, self.p
        x, y = pixel_grid(_SIZE, _SIZE)
        sag = p.center[1] + p.radii[1] + 9 - ((x - 128) / 128) ** 2 * 16
        self.hu[np.abs(y - sag) < 0.8] = -250
        self.fill(self.body < 1, -102)
        self.fill((self.body < 1) & (self.body > 1 - 1.5 / p.radii[0]), -20)
        self.fill(self.wall < 1 + p.wall / (1 - p.fat - p.wall), 54)
        self.fill(self.wall < 1, -98)
        for side in (-1, 1):
            start = uniform(rng, 0, 26)
            for degrees in np.arange(start, 175, uniform(rng, 24, 36)):
                if degrees < 40 + 70 * self.t:  # ribs leave the front first, going down
                    continue
                a = math.radians(degrees)
                at = (side * 1.02 * math.sin(a), -1.02 * math.cos(a))
                rib = self.oval(at, (0.075, 0.036), side * degrees + uniform(rng, -15, 15))
                self.fill(rib < 1, uniform(rng, 380, 600))
                self.fill(rib < 0.55, 180)

    def back(self) -> None:
        """Back muscles, psoas and the vertebra."""
        p, t = self.p, self.t
        for side in (-1, 1):
            self.fill(self.oval((side * 0.24, 0.76), (0.24, 0.26)) < 1, 52)
            self.fill(self.oval((side * 0.19, 0.44), (0.05 + 0.07 * t, 0.08 + 0.1 * t)) < 1, 54)
        cu, cv = p.place('spine', 0, 0.42)
        s = 0.145 * p.scale['spine']
        bone = np.minimum.reduce(
            [
                self.oval((cu, cv), (s, s * 1.25), 0, 0.04),
                ellipse(self.u, self.v, (cu, cv + 2.1 * s), (0.28 * s, 0.9 * s)),
                ellipse(self.u, self.v, (cu - 0.8 * s, cv + 1.45 * s), (0.85 * s, 0.3 * s), -14),
                ellipse(self.u, self.v, (cu + 0.8 * s, cv + 1.45 * s), (0.85 * s, 0.3 * s), 14),
            ]
        )
        self.fill(bone < 1, uniform(self.rng, 380, 620), 'vertebrae')
        marrow = uniform(self.rng, 130, 230)
        self.hu[(bone < 0.82)] = marrow
        canal = ellipse(self.u, self.v, (cu, cv + 1.38 * s), (0.48 * s, 0.42 * s))
        self.hu[canal < 1] = 28

    def bowel(self) -> None:
        """Loops of bowel with gas, fluid, stool or bright oral contrast, and the pancreas."""
        rng, t = self.rng, self.t
        contrast = rng.random() < 0.5
        for _ in range(int(rng.integers(3, 6) + 10 * t)):
            at = (uniform(rng, -0.72, 0.78), uniform(rng, -0.72, 0.12 + 0.1 * t))
            size = uniform(rng, 0.08, 0.19)
            loop = self.oval(at, (size * uniform(rng, 0.8, 1.7), size * 1.2), uniform(rng, 0, 180))
            loop = np.where(self.wall < 0.97, loop, 9)
            self.fill(loop < 1, 42)
            content = rng.choice(['gas', 'fluid', 'contrast' if contrast else 'fluid', 'stool'])
            lumen = loop < 0.72
            self.hu[lumen] = {'gas': -880, 'fluid': 18, 'contrast': uniform(rng, 180, 900)}.get(
                str(content), -60
            )
            if content == 'stool':
                self.hu[lumen] += smooth_noise(rng, self.hu.shape, 2.0, 90)[lumen]
        for _ in range(int(rng.integers(1, 5))):  # calcified nodes and pills
            size, at = (
                uniform(rng, 0.03, 0.07),
                (uniform(rng, -0.7, 0.7), uniform(rng, -0.7, 0.3)),
            )
            spot = self.oval(at, (size, size * uniform(rng, 1.0, 1.4)), uniform(rng, 0, 180), 0.1)
            self.fill((spot < 1) & (self.wall < 0.95), uniform(rng, 250, 1100))
        if 0.25 < t < 0.65:
            bend = self.v + 0.05 - 0.18 * np.sin(self.u * 4 + uniform(rng, 0, 1))
            band = np.hypot((self.u - 0.15) / 0.42, bend / 0.09)
            self.fill(band < 1, 48 if self.p.phase == 'native' else 95)

    def stomach(self) -> None:
        """Stomach in the left upper belly with an air-fluid level."""
        p, rng = self.p, self.rng
        s = p.cut('stomach', self.t, 0.22, 0.42)
        if s < 0.3:
            return
        cu, cv = p.place('stomach', 0.34, -0.38)
        field = self.oval((cu, cv), (0.34 * s, 0.38 * s), uniform(rng, 20, 60), 0.08)
        field = np.where(self.wall < 0.97, field, 9)
        self.fill(field < 1, 48)
        self.hu[field < 0.88] = uniform(rng, 10, 45)
        self.hu[(field < 0.88) & (self.v < cv - uniform(rng, 0, 0.3) * s)] = -920

    def vessels(self) -> None:
        """Aorta, sometimes wide or calcified, and the vena cava."""
        p, rng = self.p, self.rng
        r = 0.093 * p.scale['aorta']
        cava = self.oval(p.place('aorta', -0.13, 0.2), (r * 1.1, r * uniform(rng, 0.7, 1.5)))
        self.fill(cava < 1, p.tissue['veins'])
        aorta = self.oval(p.place('aorta', 0.05, 0.18), (r, r * 1.35), 0, 0.03)
        self.fill(aorta < 1, p.tissue['aorta'], 'aorta')
        for _ in range(int(rng.integers(0, 3))):
            a = uniform(rng, 0, 2 * math.pi)
            cu, cv = p.place('aorta', 0.05, 0.18)
            speck = (cu + r * math.cos(a), cv + 1.35 * r * math.sin(a))
            self.hu[ellipse(self.u, self.v, speck, (0.016, 0.02)) < 1] = uniform(rng, 400, 800)

    def lungs(self) -> None:
        """Lung bases behind the dome of the diaphragm."""
        reach = 0.90 + 0.55 * (self.t - self.p.lift['liver'])
        if reach < 1:
            lung = (self.wall < 0.99) & (self.wall > reach) & (self.v > -0.5 + self.t)
            self.fill(lung & (self.labels == 0) & (self.hu < 100), -830)

    def liver(self) -> None:
        """Liver: right lobe, left lobe crossing the midline above, vessels, gallbladder."""
        p, rng = self.p, self.rng
        right, left = p.cut('liver', self.t, 0.28, 0.66), p.cut('liver', self.t, 0.16, 0.42)
        if right < 0.3:
            return
        cu, cv = p.place('liver', -0.52, 0.0)
        field = self.oval((cu, cv), (0.47 * right, 0.72 * right), 12, 0.07)
        if left > 0.3:
            lobe = self.oval((cu + 0.48, cv - 0.45), (0.5 * left, 0.32 * left), 16, 0.06)
            field = np.minimum(field, lobe)
        hilum = self.oval((cu + 0.42 * right, cv + 0.08), (0.15, 0.09), uniform(rng, -30, 30))
        field = np.where((self.wall < 0.96) & (hilum > 1), field, 9)
        free = (self.labels == 0) & (np.hypot(self.u, (self.v - 0.42) / 1.1) > 0.2)
        self.fill((field < 1) & free, p.tissue['liver'], 'liver')
        mask = self.labels == 1
        for _ in range(int(rng.integers(3, 8))):  # hepatic and portal branches
            at = pick_inside(rng, mask, 3)
            if at:
                long, thin = uniform(rng, 4, 12), uniform(rng, 1.0, 2.0)
                x, y = pixel_grid(_SIZE, _SIZE)
                branch = ellipse(x, y, at, (long, thin), uniform(rng, 0, 180)) < 1
                self.hu[branch & mask] = p.tissue['vessels']
        s = p.cut('bile', self.t, 0.5, 0.22)
        if s > 0.4 and rng.random() < 0.8:
            gall = self.oval(p.place('bile', cu + 0.36 * right, cv - 0.33), (0.1 * s, 0.17 * s), 30)
            self.fill((gall < 1) & (self.wall < 0.97), uniform(rng, 4, 18))

    def lesions(self) -> None:
        """Up to three focal lesions, darker (or in the arterial phase at times brighter)."""
        rng = self.rng
        if not self.p.lesions:
            return
        x, y = pixel_grid(_SIZE, _SIZE)
        for _ in range(int(rng.integers(0, 4))):
            r = uniform(rng, 6, 15)
            at = pick_inside(rng, self.labels == 1, r * 1.15 + 2)
            if at is None:
                continue
            field = blob(rng, x, y, at, (r, r * uniform(rng, 0.75, 1.1)), uniform(rng, 0, 180), 0.1)
            change = -uniform(rng, 32, 62)
            if self.p.phase == 'arterial' and rng.random() < 0.4:
                change = uniform(rng, 40, 70)
            self.fill(field < 1, self.p.tissue['liver'] + change, 'liver_lesion')
            if rng.random() < 0.3:  # necrotic or central scar
                self.hu[field < 0.5] += -25

    def spleen(self) -> None:
        """Spleen: a crescent at the left back wall."""
        p = self.p
        s = p.cut('spleen', self.t, 0.26, 0.4)
        if s < 0.3:
            return
        cu, cv = p.place('spleen', 0.68, 0.24)
        field = self.oval((cu, cv), (0.27 * s, 0.48 * s), -16, 0.06)
        hollow = ellipse(self.u, self.v, (cu - 0.26, cv - 0.12), (0.25 * s, 0.36 * s), -16)
        mask = (field < 1) & (hollow > 1) & (self.wall < 0.96)
        self.fill(mask, p.tissue['spleen'], 'spleen')
        if p.phase == 'arterial':
            stripes = 35 * np.sin(field * 14 + self.u * 9)
            self.hu[mask] += stripes[mask]

    def kidney(self, label: str, side: int) -> None:
        """One kidney with fat in its hilum, cysts and stones."""
        p, rng = self.p, self.rng
        s = p.cut(label, self.t, 0.68, 0.42)
        if s < 0.35:
            return
        cu, cv = p.place(label, side * 0.47, 0.36)
        tilt = side * uniform(rng, 10, 40)
        field = self.oval((cu, cv), (0.165 * s, 0.24 * s), tilt, 0.05)
        near = self.oval((cu, cv), (0.165 * s + 0.05, 0.24 * s + 0.07), tilt, 0.05)
        self.fill((near < 1) & (self.wall < 0.98), -96)
        self.fill((field < 1) & (self.wall < 0.97), p.tissue['cortex'], label)
        x = self.labels == _LABELS.index(label) + 1
        self.hu[x & (field < 0.7)] = p.tissue['medulla']
        if s > 0.75:  # the hilum opens towards the midline
            hilum = self.oval((cu - side * 0.1 * s, cv), (0.1 * s, 0.07 * s), 0, 0.12)
            self.hu[(hilum < 1) & (near < 1)] = -70
            self.labels[(hilum < 1) & (field > 0.8)] = 0
        mask = self.labels == _LABELS.index(label) + 1
        if rng.random() < 0.2:
            at = pick_inside(rng, mask, 3)
            if at:
                gx, gy = pixel_grid(_SIZE, _SIZE)
                r = uniform(rng, 3, 6)
                self.hu[mask & (ellipse(gx, gy, at, (r, r)) < 1)] = 8
        if p.stones and rng.random() < 0.7:
            self.stone(mask)

    def stone(self, kidney: np.ndarray) -> None:
        """One stone, 7 to 14 pixels wide, somewhere inside a kidney."""
        rng = self.rng
        r = uniform(rng, 4.2, 6.8)
        at = pick_inside(rng, ndimage.binary_fill_holes(kidney), r)
        if at is None:
            return
        x, y = pixel_grid(_SIZE, _SIZE)
        radii = (r, r * uniform(rng, 0.8, 1.0))
        field = blob(rng, x, y, at, radii, uniform(rng, 0, 180), 0.08)
        self.fill(field < 1, uniform(rng, 330, 1100), 'kidney_stone')

    def finish(self) -> PhantomImage:
        """Add texture, blur and noise; return the slice with one mask per organ or lesion."""
        rng, shape = self.rng, self.hu.shape
        inside = self.body < 1
        self.hu += np.where(inside & (self.hu > -300), smooth_noise(rng, shape, 3, 4), 0)
        hu = ndimage.gaussian_filter(self.hu, 0.7)
        streaks = smooth_noise(rng, shape, 1.0) * (0.6 + 0.6 * inside)
        hu += self.p.noise * (0.75 * smooth_noise(rng, shape, 0.8) + 0.35 * streaks)
        image = np.clip(np.rint(hu), -1024, 2000).astype(np.int16)
        return PhantomImage(image, tuple(_masks(self.labels)))


def _masks(labels: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Split a label map into one mask per organ, without crumbs, and one per lesion."""
    found: list[tuple[str, np.ndarray]] = []
    for value, label in enumerate(_LABELS, start=1):
        mask = labels == value
        if label in ('liver_lesion', 'kidney_stone'):
            found += [(label, part) for part in split_parts(mask)]
            continue
        if label == 'vertebrae':
            mask = largest_part(mask)
        parts = [part for part in split_parts(mask) if part.sum() >= _SMALLEST_AREA]
        if parts:
            found.append((label, np.logical_or.reduce(parts)))
    return found


def draw(rng: np.random.Generator, count: int) -> list[PhantomImage]:
    """Draw ``count`` axial slices of one patient, from the dome of the liver downwards.

    Args:
        rng: Generator of this patient.
        count: Number of slices, at least 1.

    Returns:
        Slices of ``(256, 256)`` int16 HU, display orientation, cranial first.
    """
    patient = draw_ct_patient(rng, _SIZE)
    top, bottom = uniform(rng, 0.0, 0.15), uniform(rng, 0.85, 1.0)
    images = []
    for k in range(count):
        t = top + (bottom - top) * (k + uniform(rng, 0.2, 0.8)) / count
        piece = _Slice(rng, patient, t)
        piece.frame()
        piece.bowel()
        piece.stomach()
        piece.back()
        piece.vessels()
        piece.liver()
        piece.spleen()
        piece.kidney('kidney_right', -1)
        piece.kidney('kidney_left', 1)
        piece.lesions()
        piece.lungs()
        images.append(piece.finish())
    return images


SPEC = PhantomSpec(
    'ct',
    _LABELS,
    draw,
    patients=48,
    images_per_patient=6,
    files='nnunet',
    suffix='.nii.gz',
    spacing_mm=(1.5, 1.5, 20.0),
)
