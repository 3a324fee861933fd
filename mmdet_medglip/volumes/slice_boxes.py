"""Boxes on the slices of one volume: what a detector of images says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ['SliceBoxes']


@dataclass(frozen=True, eq=False)
class SliceBoxes:
    """Boxes on the slices of one volume.

    Attributes:
        boxes: [N, 4] xyxy in pixels of the slice, half open; N may be 0.
        slices: [N] int64 slice of each box.
        scores: [N] float64, finite, higher is surer.
        labels: [N] int64 label of each box, at least 0.

    Raises:
        ValueError: A field has another shape, a box is empty or a value is out of range.
    """

    boxes: npt.NDArray[np.float64]
    slices: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Bring the arrays to their types, and check them."""
        boxes = np.asarray(self.boxes, np.float64)
        if boxes.size == 0:
            boxes = boxes.reshape(0, 4)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f'boxes must have the shape [N, 4], got {list(boxes.shape)}.')
        object.__setattr__(self, 'boxes', boxes)
        object.__setattr__(self, 'scores', np.asarray(self.scores, np.float64).reshape(-1))
        for name in ('slices', 'labels'):
            value = np.asarray(getattr(self, name))
            whole = value.astype(np.int64).reshape(-1)
            if value.size and not np.array_equal(whole, value.reshape(-1)):
                raise ValueError(f'{name} must be whole numbers, got {value.dtype} values.')
            object.__setattr__(self, name, whole)
        for name in ('slices', 'scores', 'labels'):
            if len(getattr(self, name)) != len(boxes):
                found = len(getattr(self, name))
                raise ValueError(f'boxes has {len(boxes)} entries but {name} {found}.')
        if not (np.isfinite(boxes).all() and np.isfinite(self.scores).all()):
            raise ValueError('boxes and scores must be finite; the model has probably diverged.')
        empty = np.flatnonzero((boxes[:, 2:] <= boxes[:, :2]).any(axis=1))
        if len(empty):
            raise ValueError(
                f'box {empty[0]} is empty, {boxes[empty[0]].tolist()}; expected x1 < x2, y1 < y2.'
            )
        if len(boxes) and self.labels.min() < 0:
            raise ValueError(f'labels must be at least 0, got {self.labels.min()}.')

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.boxes)

    def take(self, rows: npt.NDArray) -> SliceBoxes:
        """Return some of the boxes, by a mask or by their positions."""
        return SliceBoxes(self.boxes[rows], self.slices[rows], self.scores[rows], self.labels[rows])
