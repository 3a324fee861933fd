"""Images that no expert is for: photographs that packages bring along, and noise.

None of them is used in training.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

__all__ = ['foreign_sets']

_SKIMAGE = {
    'colour photographs': ('astronaut', 'coffee', 'chelsea', 'rocket'),
    'grey photographs': ('camera', 'coins', 'moon', 'clock', 'brick', 'grass', 'gravel'),
    'text and drawings': ('page', 'text', 'checkerboard', 'colorwheel', 'logo'),
    'space and microscopy': ('hubble_deep_field', 'immunohistochemistry', 'cell'),
}
_UNSEEN = {'imgaug': '*.jpg', 'imagecorruptions': 'frost/*.jpg'}
"""Looked at after the method was settled, the others before."""
_CROPS = 4
_NOISES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    'uniform noise': lambda rng: rng.integers(0, 256, (256, 256, 3)),
    'normal noise': lambda rng: rng.normal(128, rng.uniform(5, 60), (200, 300)),
    'salt noise': lambda rng: (rng.random((256, 256)) < rng.uniform(0.01, 0.5)) * 255.0,
    'smooth noise': lambda rng: (
        cv2.GaussianBlur(rng.random((256, 256, 3)), (0, 0), rng.uniform(3, 30)) * 255
    ),
    'photon noise': lambda rng: rng.poisson(rng.uniform(1, 20), (256, 256)),
    'one colour': lambda rng: np.ones((128, 128, 3)) * rng.integers(0, 256, 3),
}


def foreign_sets(noises: int = 50) -> dict[str, list[np.ndarray]]:
    """Foreign images by kind, float32, grey (H, W) or BGR (H, W, 3).

    Each photograph comes whole and in four random crops. Kinds whose package is not installed are
    left out.

    Args:
        noises: Images of each kind of noise.
    """
    rng = np.random.default_rng(0)
    found: dict[str, list[np.ndarray]] = {}
    for kind, photograph in _photographs():
        found.setdefault(kind, []).extend([photograph, *_crops(photograph, rng)])
    found |= _faces()
    for kind, draw in _NOISES.items():
        found[kind] = [_as_image(np.clip(draw(rng), 0, 255)) for _ in range(noises)]
    return found


def _photographs() -> Iterator[tuple[str, np.ndarray]]:
    kind = 'colour photographs'
    try:
        from sklearn.datasets import load_sample_images

        for image in load_sample_images().images:
            yield kind, _as_image(image[..., ::-1])
    except ImportError:
        pass
    for package, pattern in _UNSEEN.items():
        spec = importlib.util.find_spec(package)
        folders = spec.submodule_search_locations if spec else []
        for path in sorted(p for folder in folders or [] for p in Path(folder).glob(pattern)):
            yield 'held-out photographs', _as_image(cv2.imread(str(path)))
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / 'sample_data'
    for name in ('grace_hopper.jpg', 'Minduka_Present_Blue_Pack.png'):
        yield kind, _as_image(cv2.imread(str(folder / name)))
    try:
        import skimage.data
    except ImportError:
        return
    for kind, names in _SKIMAGE.items():
        for name in names:
            image = getattr(skimage.data, name)()
            yield kind, _as_image(image if image.ndim == 2 else image[..., 2::-1])
    for name in ('motorcycle_left.png', 'motorcycle_right.png'):
        path = Path(skimage.data.__file__).parent / name
        if path.is_file():
            yield 'colour photographs', _as_image(cv2.imread(str(path)))


def _faces() -> dict[str, list[np.ndarray]]:
    """Crops of faces and of other things, 25 x 25 pixels, grey."""
    try:
        from skimage.data import lfw_subset
    except ImportError:
        return {}
    return {'pictures of 25 px': [_as_image(image * 255) for image in lfw_subset()]}


def _crops(image: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    for _ in range(_CROPS):
        share = rng.uniform(0.4, 0.9)
        height, width = (int(side * share) for side in image.shape[:2])
        top = rng.integers(image.shape[0] - height + 1)
        left = rng.integers(image.shape[1] - width + 1)
        yield _as_image(image[top : top + height, left : left + width])


def _as_image(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image, dtype=np.float32)
