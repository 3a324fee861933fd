"""Box arithmetic of the metrics.

Boxes are xyxy in pixels and half open: ``x2 - x1`` is the width, a box with ``x2 <= x1`` is empty.
"""

import numpy as np
import numpy.typing as npt

__all__ = ['pairwise_iou']


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


def _area(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=-1)
