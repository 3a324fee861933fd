"""Images that show nearly the same: hashes, groups, and pairs in large sets."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from .images import open_image

__all__ = ['HASH_BYTES', 'difference_hash', 'group_similar', 'near_pairs']

_SIDE = 16
_BITS = _SIDE * _SIDE
_BANDS = 8
HASH_BYTES = _BITS // 8

_TURNS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda grey: grey,
    lambda grey: grey[:, ::-1],
    lambda grey: grey[::-1],
    lambda grey: grey[::-1, ::-1],
)


def difference_hash(grey: np.ndarray) -> np.ndarray:
    """Describe an image by the signs of its horizontal brightness steps.

    Brightness, contrast and size do not change it. After N. Krawetz, "Kind of Like That"
    (2013), with 16 instead of 8 steps a side.

    Args:
        grey: Grey levels (H, W), uint8, uint16 or float.

    Returns:
        Bool (256,).
    """
    levels = np.ascontiguousarray(grey, dtype=np.float32)
    small = cv2.resize(levels, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA)
    values = np.rint(small)
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
    hashes = np.zeros((len(paths), _BITS), dtype=bool)
    groups = list(range(len(paths)))
    for row, path in enumerate(paths):
        grey = _small_grey(path)
        turned = np.stack([difference_hash(turn(grey)) for turn in _TURNS])
        hashes[row] = turned[0]
        share = (hashes[:row, None] != turned).mean(axis=2).min(axis=1)
        near = {groups[i] for i in np.flatnonzero(share <= max_difference)}
        if near:
            first = min(near)
            groups = [first if g in near or i == row else g for i, g in enumerate(groups)]
    return groups


def near_pairs(hashes: np.ndarray, first_new: int = 0, max_bits: int = _BANDS - 1) -> np.ndarray:
    """Find all pairs of hashes that differ in few bits, without comparing all pairs.

    The 256 bits are cut into 8 bands of 32. Two hashes that differ in at most 7 bits agree in a
    band at least, so that only those that share one are compared.

    Args:
        hashes: uint8 (N, 32), packed bits.
        first_new: Pairs of two rows below this are not looked for.
        max_bits: Largest number of differing bits, in [0, 7].

    Returns:
        int64 (P, 2), positions of both, the smaller first, sorted, each pair once.

    Raises:
        ValueError: If ``max_bits`` is outside [0, 7].
    """
    if not 0 <= max_bits < _BANDS:
        raise ValueError(f"'max_bits' must be in [0, {_BANDS - 1}], got {max_bits}.")
    found: set[tuple[int, int]] = set()
    bands = np.ascontiguousarray(hashes).view(np.uint32).reshape(len(hashes), _BANDS)
    for band in range(_BANDS):
        keys = bands[:, band]
        order = np.argsort(keys, kind='stable')
        starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
        ends = np.append(starts[1:], len(order))
        for start, end in zip(*(e[ends - starts > 1] for e in (starts, ends)), strict=True):
            found.update(_near_in(order[start:end], hashes, first_new, max_bits))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _near_in(
    bucket: np.ndarray, hashes: np.ndarray, first_new: int, max_bits: int
) -> list[tuple[int, int]]:
    """Compare the new hashes of a bucket (positions in increasing order) with those before."""
    pairs = []
    for place in range(int(np.searchsorted(bucket, first_new)), len(bucket)):
        before = bucket[:place]
        bits = np.bitwise_count(hashes[before] ^ hashes[bucket[place]]).sum(axis=1)
        pairs += [(int(i), int(bucket[place])) for i in before[bits <= max_bits]]
    return pairs


def _small_grey(path: Path) -> np.ndarray:
    with open_image(path, pixels=False) as image:
        image.draft('L', (4 * _SIDE, 4 * _SIDE))
        return np.asarray(image.convert('L'))
