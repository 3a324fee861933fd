"""Boxes of an image as rectangles in the patient, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mmdet_medglip.ingest.dicom.geometry import Plane

from .findings import Box

__all__ = ['box_of_points', 'rectangle_mm']


def rectangle_mm(box: Box, plane: Plane) -> npt.NDArray[np.float64]:
    """Return the corners of a box, around it.

    Args:
        box: xyxy in pixels, where pixel ``k`` spans ``[k, k + 1)`` and has its centre at k + 0.5.
        plane: Where the centres of the pixels lie.

    Returns:
        [4, 3] in LPS millimetres: (x1, y1), (x2, y1), (x2, y2), (x1, y2).
    """
    x1, y1, x2, y2 = box
    corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
    # Of a plane, row and column 0 are the centre of the first pixel.
    index = np.column_stack([corners[:, 1] - 0.5, corners[:, 0] - 0.5, np.zeros(4)])
    return index @ plane.axes.T + np.array(plane.position)


def box_of_points(points: npt.NDArray, plane: Plane) -> tuple[Box, float]:
    """Return the box around points of the patient, on an image.

    Args:
        points: [N, 3] in LPS millimetres, N at least 1.
        plane: Where the image lies.

    Returns:
        xyxy in pixels, and the largest distance of a point from the image in mm.
    """
    found = plane.pixels(np.asarray(points, np.float64))
    (y1, x1), (y2, x2) = found[:, :2].min(axis=0) + 0.5, found[:, :2].max(axis=0) + 0.5
    return (float(x1), float(y1), float(x2), float(y2)), float(np.abs(found[:, 2]).max())
