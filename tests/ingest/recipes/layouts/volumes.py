"""Layouts of volumes with label volumes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .case import Box, Layout, Seen
from .files import SLICES, cells, volume

__all__ = ['FIRST', 'FOURTH', 'ONE_AND_TWO', 'ONE_TO_THREE', 'SECOND', 'THIRD', 'pair', 'slices']

FIRST: Box = (6, 8, 8, 10)
SECOND: Box = (4, 8, 6, 10)
THIRD: Box = (2, 8, 4, 10)
FOURTH: Box = (0, 8, 2, 10)
ONE_AND_TWO: Box = (4, 8, 8, 10)
ONE_TO_THREE: Box = (2, 8, 8, 10)
"""Boxes of the structures 1 to 4, which lie from right to left at the lower edge, and of unions."""


def pair(
    image: str, labels: str, values: Mapping[int, int] | Sequence[int], channels: int = 0
) -> Callable[[Path], None]:
    """Write a volume and its label volume.

    Args:
        image: Path of the volume in the data set.
        labels: Path of its label volume.
        values: See ``cells``.
        channels: Channels of the volume; 0 for a volume of three axes.
    """

    def make(root: Path) -> None:
        volume(root / image, channels=channels)
        volume(root / labels, cells(values))

    return make


def several(*makers: Callable[[Path], None]) -> Callable[[Path], None]:
    """Write several parts of a data set."""

    def make(root: Path) -> None:
        for maker in makers:
            maker(root)

    return make


def masks(image: str, folder: str, numbers: Mapping[str, int]) -> Callable[[Path], None]:
    """Write a volume and one mask file per structure."""

    def make(root: Path) -> None:
        volume(root / image)
        for name, number in numbers.items():
            volume(root / folder / f'{name}.nii.gz', (cells({1: number}) > 0).astype(np.uint8))

    return make


def slices(
    name: str,
    regions: Sequence[tuple[str, Box]],
    patient: str | None = None,
    split: str | None = None,
    numbers: Sequence[int] = range(SLICES),
) -> list[Seen]:
    """Expect the same regions on slices of a volume, named ``<name>/0000`` on."""
    return [Seen(f'{name}/{i:04d}', regions, patient or name, split) for i in numbers]


def task(
    stem: str, regions: Sequence[tuple[str, Box]], values: Sequence[int], channels: int = 0
) -> Layout:
    """Make a task of the Medical Segmentation Decathlon."""
    make = pair(f'imagesTr/{stem}.nii.gz', f'labelsTr/{stem}.nii.gz', values, channels)
    return Layout(make, slices(stem, regions))
