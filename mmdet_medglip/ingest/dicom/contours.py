"""RTSTRUCT: contours in the patient, and the pixels inside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from .files import integer, items, numbers, text, texts

__all__ = ['Contour', 'fill_contours', 'read_contours']

_CLOSED = ('CLOSED_PLANAR', 'CLOSEDPLANAR_XOR')
_MAX_POINTS = 10_000_000
_MAX_MM = 1_000_000.0


@dataclass(frozen=True, eq=False)
class Contour:
    """One curve of a structure.

    Args:
        name: Name of the structure.
        kind: DICOM's geometric type.
        points: (n, 3) in mm, LPS; None if they are damaged.
    """

    name: str
    kind: str
    points: np.ndarray | None

    @property
    def is_closed(self) -> bool:
        """Whether it bounds an area."""
        return self.kind in _CLOSED and self.points is not None and len(self.points) > 2


def read_contours(dataset: Dataset) -> Iterator[Contour]:
    """Read the contours of all structures, in the order of the file.

    Args:
        dataset: A structure set.

    Raises:
        ValueError: If a structure has no name, or a contour more points than sensible.
    """
    names = {
        integer(item, 'ROINumber', -1): text(item, 'ROIName')
        for item in items(dataset, 'StructureSetROISequence')
    }
    for structure in items(dataset, 'ROIContourSequence'):
        number = integer(structure, 'ReferencedROINumber', -2)
        name = names.get(number)
        if name is None:
            raise ValueError(f'has contours of structure {number}, which has no name.')
        for item in items(structure, 'ContourSequence'):
            yield Contour(name, text(item, 'ContourGeometricType') or 'none', _points(item))


def fill_contours(contours: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Find the pixels whose centres are inside closed curves.

    A pixel is inside if a ray from it crosses the curves an odd number of times, so that a curve
    in a curve is a hole.

    Args:
        contours: Arrays (n, 2) of row and column; whole numbers are the centres of pixels. The
            last point is joined to the first.
        size: Rows and columns.

    Returns:
        Bool (rows, columns).

    Example:
        >>> square = np.array([[0.5, 0.5], [0.5, 2.5], [2.5, 2.5], [2.5, 0.5]])
        >>> int(fill_contours([square], (4, 4)).sum())
        4
    """
    rows, columns = size
    crossings = np.zeros((rows, columns + 1), dtype=np.int32)
    if contours:
        start = np.concatenate([np.asarray(points, dtype=np.float64) for points in contours])
        end = np.concatenate([np.roll(points, -1, axis=0) for points in contours])
        first, last = (
            np.clip(np.ceil(pick(start[:, 0], end[:, 0])), 0, rows).astype(int)
            for pick in (np.minimum, np.maximum)
        )
        crossed = last - first
        edge = np.repeat(np.arange(len(start)), crossed)
        row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
        step = end[edge] - start[edge]
        column = start[edge, 1] + (row - start[edge, 0]) * step[:, 1] / step[:, 0]
        np.add.at(crossings, (row, np.clip(np.ceil(column), 0, columns).astype(int)), 1)
    return np.cumsum(crossings, axis=1)[:, :columns] % 2 == 1


def _points(item: Dataset) -> np.ndarray | None:
    count = len(texts(item, 'ContourData'))
    if count > _MAX_POINTS:
        raise ValueError(f'has a contour of {count} numbers, over the limit of {_MAX_POINTS}.')
    values = numbers(item, 'ContourData', count) if count and count % 3 == 0 else None
    if values is None or max(map(abs, values)) > _MAX_MM:
        return None
    return np.reshape(values, (-1, 3))
