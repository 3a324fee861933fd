"""Groups of images that show nearly the same, for data sets that hide their patients."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .images import image_size

__all__ = ['difference_hash', 'group_similar']

_SIDE = 16
_TURNS = (
    None,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
)


def difference_hash(image: Image.Image) -> np.ndarray:
    """Describe an image by the signs of its horizontal brightness steps.

    Brightness, contrast and size do not change it. After N. Krawetz, "Kind of Like That"
    (2013), with 16 instead of 8 steps a side.

    Args:
        image: Any image.

    Returns:
        Bool (256,).
    """
    small = image.convert('L').resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.int16)
    return (values[:, 1:] > values[:, :-1]).ravel()


def group_similar(paths: Sequence[Path], max_difference: float) -> list[int]:
    """Group images; two belong together if a chain of similar images joins them.

    An image is compared with the others and with their mirror images and half turns, because
    published sets often hold such copies.

    Args:
        paths: Image files, possibly none.
        max_difference: Largest share of differing hash bits of two similar images, in [0, 1].
            About 0.1 joins copies and neighbouring slices; unrelated images differ by 0.3 to 0.5.

    Returns:
        Per image, the position of the first image of its group.

    Raises:
        ValueError: If a file is not an image, or the share is outside [0, 1].
    """
    if not 0 <= max_difference <= 1:
        raise ValueError(f"'max_difference' must be in [0, 1], got {max_difference}.")
    hashes = np.zeros((len(paths), _SIDE * _SIDE), dtype=bool)
    turned = np.zeros((4, _SIDE * _SIDE), dtype=bool)
    groups = list(range(len(paths)))
    for row, path in enumerate(paths):
        image_size(path)
        with Image.open(path) as image:
            image.draft('L', (4 * _SIDE, 4 * _SIDE))
            grey = image.convert('L')
        for turn, method in enumerate(_TURNS):
            turned[turn] = difference_hash(grey if method is None else grey.transpose(method))
        hashes[row] = turned[0]
        share = (hashes[:row, None] != turned).mean(axis=2).min(axis=1)
        near = {groups[i] for i in np.flatnonzero(share <= max_difference)}
        if near:
            first = min(near)
            groups = [first if g in near or i == row else g for i, g in enumerate(groups)]
    return groups
