"""Where DICOM images lie: planes of single images, and stacks of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..volumes import Grid

__all__ = ['Frame', 'Plane', 'Stack', 'split_stacks']

_SAME_DIRECTION = 1e-3
_SAME_POSITION = 1e-3
_UNEVEN = 0.1
_NEAR_SLICE = 0.25
_NEAR_PIXEL = 0.1
_ROUND = 3


@dataclass(frozen=True)
class Plane:
    """Where an image lies in the patient.

    Args:
        position: Centre of the first pixel, LPS in mm.
        orientation: Direction of a row, then of a column, LPS.
        spacing: Distance of pixel centres ``(between rows, between columns)`` in mm.
        thickness: Distance to the next slice in mm, as the file says; None if it does not.
    """

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, float]
    thickness: float | None = None

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) matrix whose columns are the steps to the next row and column, and the normal."""
        along_row, along_column = np.reshape(self.orientation, (2, 3))
        normal = np.cross(along_row, along_column)
        return np.stack(
            [along_column * self.spacing[0], along_row * self.spacing[1], normal], axis=1
        )

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Turn points (n, 3) in mm into (row, column, mm above the plane)."""
        return np.linalg.solve(self.axes, (points - np.array(self.position)).T).T


@dataclass(frozen=True)
class Frame:
    """One 2-D image of a file.

    Args:
        uid: SOP instance UID of its file.
        number: Its number in the file, from 0.
        file: Position of its file in a list the caller has.
        size: Rows and columns.
        plane: Where it lies; None if the file does not say.
        keys: What may tell images at one position apart, such as acquisition, echo and time, in
            the order to try.
    """

    uid: str
    number: int
    file: int
    size: tuple[int, int]
    plane: Plane | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel images of one size, one behind the other.

    Args:
        frames: The images, in the order of their positions along the normal.
        heights: Their positions along it, in mm.
    """

    frames: tuple[Frame, ...]
    heights: np.ndarray
    _numbers: dict[tuple[str, int], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Number the frames by their file and place in it."""
        for index, frame in enumerate(self.frames):
            self._numbers[frame.uid, frame.number] = index

    @property
    def step(self) -> float:
        """Usual distance of neighbouring slices in mm."""
        if len(self.frames) > 1:
            return float(np.median(np.diff(self.heights)))
        return self.first.thickness or 1.0

    @property
    def first(self) -> Plane:
        """Plane of the first slice."""
        return _plane(self.frames[0])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of every image."""
        return self.frames[0].size

    @property
    def is_even(self) -> bool:
        """Whether the slices are equally far apart, to a tenth."""
        gaps = np.diff(self.heights)
        return bool(gaps.size == 0 or np.abs(gaps - self.step).max() <= _UNEVEN * self.step)

    @property
    def grid(self) -> Grid:
        """Where the voxels are, of axes (row, column, slice)."""
        affine = np.eye(4)
        affine[:3, :3] = self.first.axes
        affine[:3, 3] = self.first.position
        last = np.array(_plane(self.frames[-1]).position)
        if len(self.frames) > 1:
            affine[:3, 2] = (last - affine[:3, 3]) / (len(self.frames) - 1)
        else:
            affine[:3, 2] *= self.step
        return Grid((*self.size, len(self.frames)), affine)

    def plane_at(self, index: int) -> Plane:
        """Return the plane of a slice."""
        return _plane(self.frames[index])

    def number_of(self, uid: str, frame: int = 0) -> int | None:
        """Return which slice an image is; None if it is not one of the stack."""
        return self._numbers.get((uid, frame))

    def slice_at(self, point: Sequence[float]) -> int | None:
        """Return the slice whose plane a point in mm is in, to a quarter of the distance."""
        height = float(self.first.axes[:, 2] @ np.asarray(point))
        index = int(np.abs(self.heights - height).argmin())
        near = abs(self.heights[index] - height) <= _NEAR_SLICE * self.step
        return index if near else None

    def place(self, plane: Plane) -> tuple[int, int, int] | None:
        """Return slice, row and column at which another raster of the same pixels begins.

        Returns:
            None if the raster is turned, of another pixel size, or in no slice.
        """
        index = self.slice_at(plane.position)
        if index is None:
            return None
        own = _plane(self.frames[index])
        if not np.allclose(own.axes, plane.axes, atol=_SAME_DIRECTION):
            return None
        row, column, _ = own.pixels(np.array([plane.position]))[0].tolist()
        if max(abs(row - round(row)), abs(column - round(column))) > _NEAR_PIXEL:
            return None
        return index, round(row), round(column)


def split_stacks(frames: Iterable[Frame]) -> list[Stack]:
    """Sort images into stacks.

    Images of another size, direction or pixel size are another stack. If two images are at one
    position, they are told apart by the first of their keys that does it.

    Args:
        frames: Images that all have a plane.

    Returns:
        The stacks, in the order of their first images.

    Raises:
        ValueError: If images at one position cannot be told apart.
    """
    groups: dict[tuple, list[Frame]] = {}
    for frame in frames:
        plane = _plane(frame)
        told = (*plane.orientation, *plane.spacing)
        kind = (frame.size, *(round(value, _ROUND) + 0.0 for value in told))
        groups.setdefault(kind, []).append(frame)
    return [stack for group in groups.values() for stack in _split(group)]


def _split(group: Sequence[Frame]) -> list[Stack]:
    whole = _stack(group)
    if whole is not None:
        return [whole]
    for chosen in range(len(group[0].keys)):
        parts: dict[tuple[str, ...], list[Frame]] = {}
        for frame in group:
            parts.setdefault(frame.keys[: chosen + 1], []).append(frame)
        stacks = [stack for part in parts.values() if (stack := _stack(part)) is not None]
        if len(stacks) == len(parts):
            return stacks
    raise ValueError(f'has several images at one position among {len(group)}; separate them.')


def _stack(frames: Sequence[Frame]) -> Stack | None:
    """Stack images; None if two are at one position."""
    normal = _plane(frames[0]).axes[:, 2]
    heights = np.array([normal @ np.array(_plane(frame).position) for frame in frames])
    order = np.argsort(heights, kind='stable')
    if len(frames) > 1 and np.diff(heights[order]).min() < _SAME_POSITION:
        return None
    return Stack(tuple(frames[index] for index in order), heights[order])


def _plane(frame: Frame) -> Plane:
    if frame.plane is None:
        raise ValueError('an image of a stack has no position.')
    return frame.plane
