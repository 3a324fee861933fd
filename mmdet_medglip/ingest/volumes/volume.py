"""A volume as it is stored, and as it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .grid import Grid

__all__ = ['MAX_VOXELS', 'StoredVolume', 'Volume', 'check_voxels', 'display_volume']

MAX_VOXELS = 600_000_000


@dataclass(frozen=True, eq=False)
class StoredVolume:
    """A volume whose header is read and whose voxels are not.

    Args:
        path: Its file, for messages.
        grid: Where its voxels are.
        load: Reads all voxels, in the order of the grid's axes.
        slope: Physical value per unit of the stored numbers.
        intercept: Physical value of a stored 0.
    """

    path: Path
    grid: Grid
    load: Callable[[], np.ndarray]
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels in display orientation.

    Args:
        values: Numbers of shape (rows, columns, slices); a view of what was read. The physical
            values are ``slope * values + intercept``.
        spacing_mm: Distance of voxel centres between rows, columns and slices.
        plane: ``axial``, ``coronal`` or ``sagittal``.
        slope: Physical value per unit.
        intercept: Physical value of a 0.
    """

    values: np.ndarray
    spacing_mm: tuple[float, float, float]
    plane: str
    slope: float = 1.0
    intercept: float = 0.0


def check_voxels(where: str | Path, voxels: int) -> None:
    """Refuse a volume that is larger than any sensible one before it is allocated.

    Raises:
        ValueError: If it has over :data:`MAX_VOXELS` voxels.
    """
    if voxels > MAX_VOXELS:
        raise ValueError(f'{where} has {voxels} voxels, over the limit of {MAX_VOXELS}; crop it.')


def display_volume(stored: StoredVolume, plane: str) -> Volume:
    """Read a volume and turn it upright.

    Args:
        stored: The volume.
        plane: ``axial``, ``coronal`` or ``sagittal``.

    Returns:
        Its voxels, read once.

    Raises:
        ValueError: If it is too large or cannot be read.
    """
    check_voxels(stored.path, stored.grid.voxels)
    turn = stored.grid.turn_to(plane)
    shown = stored.grid.turned(turn)
    values = turn.apply(stored.load())
    return Volume(values, shown.spacing_mm, plane, stored.slope, stored.intercept)
