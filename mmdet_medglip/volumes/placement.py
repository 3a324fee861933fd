"""Where boxes of shown slices lie: in the stored array, and in millimetres of the patient.

Slices may be shown turned (:class:`~mmdet_medglip.ingest.volumes.Turn`); boxes are then in pixels
of what was shown. The :class:`~mmdet_medglip.ingest.volumes.Grid` of the shown volume,
``grid.turned(turn)``, has the axes (row, column, slice) and gives voxel *centres*: the edge ``x``
of a box lies at index ``x - 0.5``. Millimetres are LPS, as in DICOM.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from mmdet_medglip.ingest.volumes import Grid, Turn

__all__ = [
    'corners_mm',
    'enclosing_mm',
    'size_mm',
    'stored_extents',
    'stored_slice_boxes',
    'voxels',
]

Array = npt.NDArray[np.float64]
_SHOWN_AXIS = (1, 0, 2)
"""Axis of the shown array (row, column, slice) that x, y and z of a box count."""


def corners_mm(boxes: npt.NDArray, grid: Grid) -> Array:
    """Return the corners of 3-D boxes.

    Args:
        boxes: [M, 6] in voxels of the shown volume; M may be 0.
        grid: Where the voxels of the shown volume are.

    Returns:
        [M, 8, 3] in LPS millimetres; the boxes may be oblique there.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 6)
    ends = boxes.reshape(-1, 2, 3)
    picked = np.array(list(product((0, 1), repeat=3)))
    points = np.stack([ends[:, picked[:, axis], axis] for axis in range(3)], axis=-1)
    index = points[..., _SHOWN_AXIS] - 0.5
    return index @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def enclosing_mm(boxes: npt.NDArray, grid: Grid) -> Array:
    """Return the smallest boxes along the patient's axes around 3-D boxes.

    Returns:
        [M, 6] (left, back, head; least, then largest) in LPS millimetres. Of an oblique volume
        they are larger than the boxes.
    """
    corners = corners_mm(boxes, grid)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).reshape(-1, 6)


def size_mm(boxes: npt.NDArray, grid: Grid) -> Array:
    """Return the lengths of 3-D boxes along their own axes.

    Returns:
        [M, 3] along columns, rows and slices, in millimetres.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 6)
    spacing = np.array([grid.spacing_mm[axis] for axis in _SHOWN_AXIS])
    return (boxes[:, 3:] - boxes[:, :3]) * spacing


def voxels(points: npt.NDArray, grid: Grid) -> Array:
    """Turn points of the patient into places in the shown volume; undoes :func:`corners_mm`.

    Args:
        points: [..., 3] in LPS millimetres.
        grid: Where the voxels of the shown volume are.

    Returns:
        [..., 3] (x, y, z), where voxel ``k`` of an axis spans ``[k, k + 1)``.
    """
    away = np.asarray(points, np.float64) - grid.affine[:3, 3]
    index = np.linalg.solve(grid.affine[:3, :3], away.reshape(-1, 3).T).T.reshape(away.shape)
    return index[..., _SHOWN_AXIS] + 0.5


def stored_extents(boxes: npt.NDArray, turn: Turn, shape: tuple[int, int, int]) -> Array:
    """Return what 3-D boxes span of the stored array.

    Args:
        boxes: [M, 6] in voxels of the shown volume.
        turn: How the stored array was turned to be shown.
        shape: Shape of the stored array.

    Returns:
        [M, 3, 2] least and largest edge along each axis of the stored array.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 6)
    extents = np.empty((len(boxes), 3, 2))
    for shown, (axis, flip) in enumerate(zip(turn.axes, turn.flips, strict=True)):
        column = _SHOWN_AXIS[shown]
        low, high = boxes[:, column], boxes[:, column + 3]
        if flip:
            low, high = shape[axis] - high, shape[axis] - low
        extents[:, axis, 0], extents[:, axis, 1] = low, high
    return extents


def stored_slice_boxes(
    boxes: npt.NDArray, slices: npt.NDArray, turn: Turn, shape: tuple[int, int, int]
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Put boxes of shown slices on the stored images, such as those of DICOM files.

    Args:
        boxes: [N, 4] xyxy in pixels of the shown slices; N may be 0.
        slices: [N] number of the shown slice of each.
        turn: How the stored array (row, column, slice) was turned to be shown.
        shape: Its shape.

    Returns:
        Boxes [N, 4] xyxy in pixels of the stored images, and their numbers [N].

    Raises:
        ValueError: The shown slices are not the stored images but cut across them.
    """
    if turn.axes[2] != 2:
        raise ValueError(
            'The slices were cut across the stored images, so that a box of one is in no image; '
            "predict on the slices as they were acquired (plane='acquired')."
        )
    flat = np.asarray(boxes, np.float64).reshape(-1, 4)
    numbers = np.asarray(slices, np.float64).reshape(-1)
    full = np.concatenate(
        [flat[:, :2], numbers[:, None], flat[:, 2:], numbers[:, None] + 1], axis=1
    )
    extents = stored_extents(full, turn, shape)
    stored = np.stack(
        [extents[:, 1, 0], extents[:, 0, 0], extents[:, 1, 1], extents[:, 0, 1]], axis=1
    )
    return stored, extents[:, 2, 0].astype(np.int64)
