"""How much boxes overlap.

Boxes are xyxy in pixels and half open: ``x2 - x1`` is the width, a box with ``x2 <= x1`` is empty.
Boxes of volumes are ``(x1, y1, z1, x2, y2, z2)``, in any unit of each axis: an IoU does not change
when an axis is measured in another one.
"""

import numpy as np
import numpy.typing as npt

__all__ = ['pairwise_iou', 'pairwise_iou_3d', 'pairwise_share']


def pairwise_iou(boxes: npt.NDArray, others: npt.NDArray) -> npt.NDArray[np.float64]:
    """Intersection over union of every box with every other box.

    Empty boxes have IoU 0 with everything, themselves included, so that the result is never NaN.

    Args:
        boxes: [N, 4] xyxy in pixels, N may be 0.
        others: [M, 4] xyxy in pixels, M may be 0.

    Returns:
        [N, M] values in [0, 1].

    Raises:
        ValueError: If an input is not [N, 4].

    Example:
        >>> pairwise_iou(np.array([[0, 0, 10, 10]]), np.array([[0, 0, 10, 5], [20, 20, 30, 30]]))
        array([[0.5, 0. ]])
    """
    return _pairwise_iou(boxes, others, 2)


def pairwise_iou_3d(boxes: npt.NDArray, others: npt.NDArray) -> npt.NDArray[np.float64]:
    """Intersection over union of every box of a volume with every other, as :func:`pairwise_iou`.

    Args:
        boxes: [N, 6] (x1, y1, z1, x2, y2, z2), N may be 0.
        others: [M, 6], M may be 0.

    Returns:
        [N, M] values in [0, 1].

    Raises:
        ValueError: If an input is not [N, 6].

    Example:
        >>> pairwise_iou_3d(np.array([[0, 0, 0, 2, 2, 2]]), np.array([[0, 0, 1, 2, 2, 3]])).round(3)
        array([[0.333]])
    """
    return _pairwise_iou(boxes, others, 3)


def pairwise_share(boxes: npt.NDArray, others: npt.NDArray) -> npt.NDArray[np.float64]:
    """Share of the smaller of two boxes that lies on the other, for every pair.

    Args:
        boxes: [N, 4] xyxy, N may be 0.
        others: [M, 4] xyxy, M may be 0.

    Returns:
        [N, M] values in [0, 1], at least their IoU; 0 where one of the two is empty.

    Raises:
        ValueError: If an input is not [N, 4].

    Example:
        >>> pairwise_share(np.array([[0, 0, 10, 10]]), np.array([[2, 2, 4, 4], [9, 0, 19, 10]]))
        array([[1. , 0.1]])
    """
    boxes, others, intersection = _intersection(boxes, others, 2)
    smaller = np.minimum(_size(boxes, 2)[:, None], _size(others, 2)[None])
    return np.divide(intersection, smaller, out=np.zeros_like(intersection), where=smaller > 0)


def _pairwise_iou(boxes: npt.NDArray, others: npt.NDArray, axes: int) -> npt.NDArray[np.float64]:
    boxes, others, intersection = _intersection(boxes, others, axes)
    union = _size(boxes, axes)[:, None] + _size(others, axes)[None] - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def _intersection(
    boxes: npt.NDArray, others: npt.NDArray, axes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both as float64, checked, and the size of what every pair shares."""
    boxes, others = np.asarray(boxes, np.float64), np.asarray(others, np.float64)
    for name, value in (('boxes', boxes), ('others', others)):
        if value.ndim != 2 or value.shape[1] != 2 * axes:
            raise ValueError(
                f'Expected `{name}` of shape [N, {2 * axes}], got {list(value.shape)}.'
            )
    low = np.maximum(boxes[:, None, :axes], others[None, :, :axes])
    high = np.minimum(boxes[:, None, axes:], others[None, :, axes:])
    return boxes, others, np.clip(high - low, 0, None).prod(axis=-1)


def _size(boxes: npt.NDArray[np.float64], axes: int) -> npt.NDArray[np.float64]:
    return np.clip(boxes[:, axes:] - boxes[:, :axes], 0, None).prod(axis=-1)
