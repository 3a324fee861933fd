"""Box arithmetic of the metrics.

Boxes are xyxy in pixels and half open: ``x2 - x1`` is the width, a box with ``x2 <= x1`` is empty.
"""

import numpy as np
import numpy.typing as npt

from mmdet_medglip.structures.box_overlap import pairwise_iou, pairwise_iou_3d

__all__ = ['enclosing_box', 'pairwise_iou', 'pairwise_iou_3d', 'union_iou']


def enclosing_box(boxes: npt.NDArray) -> npt.NDArray:
    """Smallest box around boxes.

    Args:
        boxes: [N, 4] xyxy in pixels, N may be 0.

    Returns:
        [1, 4], or [0, 4] without boxes.

    Example:
        >>> enclosing_box(np.array([[0, 0, 10, 10], [5, 20, 8, 30]]))
        array([[ 0,  0, 10, 30]])
    """
    if not len(boxes):
        return boxes.reshape(0, 4)
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None]


def union_iou(boxes: npt.NDArray, others: npt.NDArray) -> float:
    """Intersection over union of two regions, each the union of its boxes.

    Exact, on the grid of all corners, so that pixels are not rounded.

    Args:
        boxes: [N, 4] xyxy in pixels, N may be 0.
        others: [M, 4] xyxy in pixels, M may be 0.

    Returns:
        A value in [0, 1]; 0 if both regions are empty.

    Example:
        >>> union_iou(np.array([[0, 0, 10, 5], [0, 5, 10, 10]]), np.array([[0, 0, 10, 20]]))
        0.5
    """
    both = np.concatenate([boxes, others]).astype(np.float64)
    if not len(both):
        return 0.0
    xs, ys = np.unique(both[:, [0, 2]]), np.unique(both[:, [1, 3]])
    cells = np.diff(ys)[:, None] * np.diff(xs)
    first, second = (_covered(part, xs, ys) for part in (boxes, others))
    union = cells[first | second].sum()
    return float(cells[first & second].sum() / union) if union > 0 else 0.0


def _covered(
    boxes: npt.NDArray, xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Cells of the grid between ``ys`` and ``xs`` that a box covers."""
    covered = np.zeros((max(len(ys) - 1, 0), max(len(xs) - 1, 0)), bool)
    for x1, y1, x2, y2 in np.asarray(boxes, np.float64):
        columns, rows = np.searchsorted(xs, (x1, x2)), np.searchsorted(ys, (y1, y2))
        covered[rows[0] : rows[1], columns[0] : columns[1]] = True
    return covered
