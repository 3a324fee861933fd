"""Pictures that are of no modality, drawn on the fly, to learn from what not to route.

Outlier exposure (Hendrycks et al., Deep Anomaly Detection with Outlier Exposure, ICLR 2019) shows a
classifier foreign images in training. No photograph is needed: leaves that cover each other and
noise with the spectrum of nature have the statistics of photographs (Baradad et al., Learning to
See by Looking at Noise, NeurIPS 2021). What is made of known images lies nearer to them.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from .route import SIDE

__all__ = ['draw_foreign', 'spoil']

_MOST_LEAVES = 40
_FLOAT = np.float32


def draw_foreign(rng: np.random.Generator) -> np.ndarray:
    """Draw a picture from nothing: leaves, noise, gradients, stripes, text-like rows, one colour.

    Args:
        rng: Where chance comes from.

    Returns:
        uint8 (64, 64, 3); a third of them without colour, some blurred.
    """
    image = _SCENES[rng.integers(len(_SCENES))](rng)
    if rng.random() < 0.35:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 4))
    return np.clip(image, 0, 255).astype(np.uint8)


def spoil(known: np.ndarray, modalities: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Make a foreign picture of known ones.

    Tiles in another order, other colours, two modalities mixed, a collage of four images, a small
    image on a foreign ground, a foreign picture shining through.

    Args:
        known: Thumbnails uint8 (N, 64, 64, 3), N >= 1.
        modalities: Modality of each.
        rng: Where chance comes from.

    Returns:
        uint8 (64, 64, 3).
    """
    first, second = rng.integers(len(known), size=2)
    kind = rng.integers(6)
    if kind == 0:
        image = _shuffled(known[first], rng)
    elif kind == 1:
        image = _recoloured(known[first], rng)
    elif kind == 2 and modalities[first] != modalities[second]:
        image = _mixed(known[first], known[second], rng.uniform(0.3, 0.7))
    elif kind == 3:
        image = _pasted(known[first], draw_foreign(rng), rng)
    elif kind == 4:
        image = _collage(known[rng.integers(len(known), size=4)])
    else:
        image = _mixed(known[first], draw_foreign(rng), rng.uniform(0.2, 0.6))
    return image


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A colour, from grey to saturated, float32 (3,)."""
    colour = rng.integers(0, 256, 3)
    return (colour.mean() + rng.random() * (colour - colour.mean())).astype(_FLOAT)


def _ground(colour: np.ndarray) -> np.ndarray:
    return np.tile(colour, (SIDE, SIDE, 1))


def _flat(rng: np.random.Generator) -> np.ndarray:
    grain = rng.standard_normal((SIDE, SIDE, 3), dtype=_FLOAT)
    return _ground(_colour(rng)) + grain * _FLOAT(rng.uniform(0, 3))


def _blend(share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two colours by a share (S, S) in 0..1."""
    share = share.astype(_FLOAT)[..., None]
    return _colour(rng) * (1 - share) + _colour(rng) * share


def _gradient(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    angle = rng.uniform(0, 2 * np.pi)
    share = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5) + 0.5
    if rng.random() < 0.4:
        share = np.hypot(x - rng.random(), y - rng.random())
    return _blend(np.clip(share, 0, 1) ** rng.uniform(0.5, 2), rng)


def _stripes(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    angle, pace = rng.uniform(0, np.pi), 2 * np.pi / rng.uniform(2, 30)
    wave = np.sin(pace * (np.cos(angle) * x + np.sin(angle) * y))
    if rng.random() < 0.5:
        wave = wave * np.sin(pace * (np.cos(angle) * y - np.sin(angle) * x))
    if rng.random() < 0.5:
        wave = np.sign(wave)
    return _blend(wave / 2 + 0.5, rng)


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Independent values of any grain."""
    side, channels = int(rng.integers(2, SIDE + 1)), 1 if rng.random() < 0.5 else 3
    values = rng.random((side, side, channels), dtype=_FLOAT)
    if rng.random() < 0.3:
        values = (values > rng.uniform(0.02, 0.98)).astype(_FLOAT)
    elif rng.random() < 0.5:
        values = rng.standard_normal(values.shape, dtype=_FLOAT) * 0.2 + 0.5
    smooth = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(3)]
    values = np.repeat(values, 3 // channels, 2) * 255
    return cv2.resize(values, (SIDE, SIDE), interpolation=smooth)


def _spectrum(rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with a power of the frequency, around a colour."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = 1 / SIDE
    amplitude = frequency ** -rng.uniform(0.3, 2.6)
    plain = np.fft.rfft2(rng.standard_normal((3, SIDE, SIDE)))
    planes = np.fft.irfft2(plain * amplitude, s=(SIDE, SIDE))
    planes -= planes.mean((1, 2), keepdims=True)
    planes /= planes.std((1, 2), keepdims=True) + 1e-6
    mixing = rng.standard_normal((3, 3)) * rng.random() ** 2 + rng.random((3, 1))
    mixed = np.tensordot(mixing, planes, 1).transpose(1, 2, 0).astype(_FLOAT)
    return mixed * _FLOAT(rng.uniform(15, 60)) + _colour(rng)


def _leaves(rng: np.random.Generator) -> np.ndarray:
    """Discs, ellipses and polygons of a power law of sizes, plain or textured, one on another."""
    textures = [_spectrum(rng), _gradient(rng), _spectrum(rng)]
    image = textures[rng.integers(3)].copy() if rng.random() < 0.5 else _ground(_colour(rng))
    largest = rng.uniform(0.1, 0.6) * SIDE
    for _ in range(int(rng.integers(3, _MOST_LEAVES))):
        radius = max(2.0, largest * min(1.0, 0.15 * rng.pareto(1.5) + 0.05))
        colour = _colour(rng)
        if rng.random() < 0.35:
            mask = np.zeros((SIDE, SIDE), np.uint8)
            _leaf(mask, (1.0,), radius, rng)
            texture = textures[rng.integers(3)]
            image[mask > 0] = (texture[mask > 0] - 128) * _FLOAT(rng.uniform(0.3, 1)) + colour
        else:
            _leaf(image, tuple(colour.tolist()), radius, rng)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 0.5:
        grain = rng.standard_normal(image.shape, dtype=_FLOAT)
        image = image + grain * _FLOAT(rng.uniform(0, 20))
    return image


def _leaf(
    image: np.ndarray, colour: tuple[float, ...], radius: float, rng: np.random.Generator
) -> None:
    """Fill one shape at a place by chance."""
    centre = rng.uniform(0, SIDE, 2)
    if rng.random() < 0.5:
        axes = int(radius), max(1, int(radius * rng.uniform(0.2, 1)))
        place = (int(centre[0]), int(centre[1]))
        cv2.ellipse(image, place, axes, rng.uniform(0, 180), 0, 360, colour, -1)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
        corners = centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(image, [corners.astype(np.int32)], colour)


def _text(rng: np.random.Generator) -> np.ndarray:
    """Rows of short bars."""
    image, ink = _ground(_colour(rng)), _colour(rng)
    height, top = int(rng.integers(1, 6)), int(rng.integers(0, 4))
    while top < SIDE:
        left = int(rng.integers(0, 6))
        while left < SIDE:
            width = int(rng.integers(1, 3 * height + 2))
            if rng.random() < 0.8:
                image[top : top + height, left : left + width] = ink
            left += width + int(rng.integers(1, 3))
        top += height + int(rng.integers(1, height + 3))
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1)) if rng.random() < 0.6 else image


_SCENES: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (
    *(_leaves, _leaves, _leaves, _spectrum),
    *(_gradient, _stripes, _text, _noise, _flat),
)


def _shuffled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = int(rng.choice([2, 4, 8]))
    side = SIDE // count
    rows = image.reshape(count, side, count, side, 3).swapaxes(1, 2)
    tiles = rows.reshape(-1, side, side, 3)[rng.permutation(count**2)]
    return tiles.reshape(count, count, side, side, 3).swapaxes(1, 2).reshape(SIDE, SIDE, 3)


def _recoloured(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn the hue, or colour a grey image by a map."""
    values = image.astype(np.int16)
    if np.abs(values[..., 0] - values[..., 2]).mean() > 8:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(30, 150)) % 180
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    return cv2.applyColorMap(np.ascontiguousarray(image[..., 1]), int(rng.integers(22)))


def _mixed(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    return cv2.addWeighted(first, share, second, 1 - share, 0)


def _pasted(image: np.ndarray, ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = int(rng.integers(SIDE // 4, 2 * SIDE // 3))
    top, left = rng.integers(0, SIDE - side, 2)
    ground = ground.copy()
    ground[top : top + side, left : left + side] = _shrunk(image, side)
    return ground


def _collage(four: np.ndarray) -> np.ndarray:
    small = [_shrunk(image, SIDE // 2) for image in four]
    return np.vstack([np.hstack(small[:2]), np.hstack(small[2:])])


def _shrunk(image: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
