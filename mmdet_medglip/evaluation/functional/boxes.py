"""Box arithmetic of the metrics.

Boxes are xyxy in pixels and half open: ``x2 - x1`` is the width, a box with ``x2 <= x1`` is empty.
"""

import numpy as np
import numpy.typing as npt

__all__ = ['enclosing_box', 'pairwise_iou', 'union_iou']


def pairwise_iou(boxes: npt.NDArray, others: npt.NDArray) -> npt.NDArray[np.float64]:
    """Intersection over union of every box with every other box.

    Empty boxes have IoU 0 with everything, themselves included, so that the result is never NaN.

    Args:
        boxes: [N, 4] xyxy in pixels, N may be 0.
        others: [M, 4] xyxy in pixels, M may be 0.

    Returns:
        [N, M] values in [0, 1].

    Raises:
        ValueError: If an input is not [*, 4].

    Example:
        >>> pairwise_iou(np.array([[0, 0, 10, 10]]), np.array([[0, 0, 10, 5], [20, 20, 30, 30]]))
        array([[0.5, 0. ]])
    """
    boxes, others = np.asarray(boxes, np.float64), np.asarray(others, np.float64)
    for name, value in (('boxes', boxes), ('others', others)):
        if value.ndim != 2 or value.shape[1] != 4:
            raise ValueError(f'Expected `{name}` of shape [N, 4], got {list(value.shape)}.')
    top_left = np.maximum(boxes[:, None, :2], others[None, :, :2])
    bottom_right = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=-1)
    union = _area(boxes)[:, None] + _area(others)[None] - intersection
    iou = np.zeros_like(intersection)
    return np.divide(intersection, union, out=iou, where=union > 0)


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


def _area(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=-1)
