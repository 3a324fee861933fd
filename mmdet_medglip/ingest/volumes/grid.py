"""Where the voxels of a volume are in the patient, and how slices are turned for display."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

__all__ = ['PLANES', 'Grid', 'Turn', 'same_place']

PLANES = {'axial': 'PLS', 'coronal': 'ILP', 'sagittal': 'IPL'}
"""Where rows, columns and slices of a plane go.

The patient's right is on the left of an axial or coronal image, the front on top of an axial and
on the left of a sagittal one, the head on top of a coronal or sagittal one.
"""

_DIRECTIONS = {
    'L': (1, 0, 0),
    'R': (-1, 0, 0),
    'P': (0, 1, 0),
    'A': (0, -1, 0),
    'S': (0, 0, 1),
    'I': (0, 0, -1),
}
_SAME_PLACE = 0.1


@dataclass(frozen=True)
class Turn:
    """How the axes of an array are put in another order and direction.

    Args:
        axes: Axis of the array that becomes the first, second and third.
        flips: Whether each of the new axes is reversed.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Return a view of an array of three axes with its axes turned."""
        reverse = tuple(slice(None, None, -1 if flip else None) for flip in self.flips)
        return array.transpose(self.axes)[reverse]

    def offset(
        self, start: Sequence[int], part: Sequence[int], shape: Sequence[int]
    ) -> tuple[int, int, int]:
        """Return where a part of an array begins after both are turned.

        Args:
            start: Where the part begins in the array.
            part: Shape of the part.
            shape: Shape of the array.
        """
        first, second, third = (
            shape[axis] - start[axis] - part[axis] if flip else start[axis]
            for axis, flip in zip(self.axes, self.flips, strict=True)
        )
        return first, second, third


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of an array lie.

    Args:
        shape: Voxels along the three axes of the array.
        affine: (4, 4) matrix from voxel index to the millimetres of the voxel's centre, LPS.

    Raises:
        ValueError: If the shape is not three positive numbers, or the matrix gives no voxel size.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self) -> None:
        """Check shape and matrix; a direction that a single slice leaves open is completed."""
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f'has shape {tuple(self.shape)}, expected three axes.')
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError(f'has no usable position in space, got {affine.tolist()}.')
        empty = [axis for axis in range(3) if not affine[:3, axis].any()]
        if len(empty) == 1 and self.shape[empty[0]] == 1:
            first, second = (affine[:3, axis] for axis in range(3) if axis != empty[0])
            normal = np.cross(first, second)
            affine[:3, empty[0]] = normal / (np.linalg.norm(normal) or 1.0)
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        if min(sizes) <= 0 or abs(np.linalg.det(affine[:3, :3] / sizes)) < 1e-3:
            raise ValueError(
                f'has no usable voxel size or direction (sizes {sizes.tolist()} mm); correct its '
                'header.'
            )
        affine.flags.writeable = False
        object.__setattr__(self, 'shape', tuple(int(size) for size in self.shape))
        object.__setattr__(self, 'affine', affine)

    @classmethod
    def of_axes(cls, shape: Sequence[int], spacing_mm: Sequence[float], axes: str) -> 'Grid':
        """Make a grid at the origin from where each axis of the array goes.

        Args:
            shape: Voxels along each axis.
            spacing_mm: Distance of voxels along each axis.
            axes: Three letters out of L or R, P or A, S or I: the side that the index of each
                axis grows towards.

        Raises:
            ValueError: If the letters are not one of each pair.
        """
        check_axes(axes)
        affine = np.eye(4)
        for axis, letter in enumerate(axes):
            affine[:3, axis] = np.multiply(_DIRECTIONS[letter], spacing_mm[axis])
        return cls((shape[0], shape[1], shape[2]), affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of voxel centres along each axis."""
        first, second, third = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return first, second, third

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    def with_axes(self, axes: str) -> 'Grid':
        """Return the grid with other directions and the same voxel size, at the origin."""
        return Grid.of_axes(self.shape, self.spacing_mm, axes)

    def nearest_plane(self, axis: int) -> str:
        """Return the plane that slices across an axis of the array are nearest to."""
        step = np.abs(self.affine[:3, axis])
        return ('sagittal', 'coronal', 'axial')[int(step.argmax())]

    def turn_to(self, plane: str, across: int | None = None) -> Turn:
        """Find the turn that shows the slices of a plane upright.

        Oblique axes count as the side they are nearest to.

        Args:
            plane: ``axial``, ``coronal`` or ``sagittal``.
            across: Axis of the array that must become the slices; None for the nearest.
        """
        wanted = np.array([_DIRECTIONS[letter] for letter in PLANES[plane]], dtype=np.float64)
        cosines = wanted @ (self.affine[:3, :3] / np.array(self.spacing_mm))
        orders = [axes for axes in permutations(range(3)) if across in (None, axes[2])]
        best = max(orders, key=lambda axes: sum(abs(cosines[i, axes[i]]) for i in range(3)))
        flips = [bool(cosines[i, axis] < 0) for i, axis in enumerate(best)]
        return Turn((best[0], best[1], best[2]), (flips[0], flips[1], flips[2]))

    def turned(self, turn: Turn) -> 'Grid':
        """Return the grid of an array that is turned."""
        affine = np.eye(4)
        affine[:3, 3] = self.affine[:3, 3]
        for new, (old, flip) in enumerate(zip(turn.axes, turn.flips, strict=True)):
            step = self.affine[:3, old]
            affine[:3, new] = -step if flip else step
            if flip:
                affine[:3, 3] += step * (self.shape[old] - 1)
        first, second, third = (self.shape[axis] for axis in turn.axes)
        return Grid((first, second, third), affine)


def check_axes(axes: str) -> None:
    """Check the letters of three axes; see :meth:`Grid.of_axes`."""
    pairs = sorted('LPS'['LRPASI'.index(letter) // 2] for letter in axes if letter in 'LRPASI')
    if len(axes) != 3 or pairs != ['L', 'P', 'S']:
        raise ValueError(
            f"Axes must be one letter each of L or R, P or A, S or I, such as 'LPS', got {axes!r}."
        )


def same_place(a: Grid, b: Grid) -> bool:
    """Tell whether two grids of one shape put every voxel in the same place.

    The tolerance is a tenth of the smallest voxel side, at every corner.
    """
    if a.shape != b.shape:
        return False
    last = np.array(a.shape) - 1
    corners = np.array([(*(np.array(bits) * last), 1) for bits in np.ndindex(2, 2, 2)])
    apart = np.abs((corners @ (a.affine - b.affine).T)[:, :3]).max()
    return bool(apart <= _SAME_PLACE * min(a.spacing_mm))
