"""The regions of one image, as words, boxes and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ['ImageRegions']

_TOLERANCE = 0.01
"""Pixels by which a box may exceed its image, for float32 boxes that were scaled; it is clipped."""


@dataclass(frozen=True, eq=False)
class ImageRegions:
    """What a detector, or the truth, says of one image.

    Arrays are converted to float32 copies that cannot be written to.

    Attributes:
        image_id: Names the image; not empty.
        height: Pixels of the original image, at least 1.
        width: Pixels of the original image, at least 1.
        modality: Id of its modality; not empty.
        labels: Words of each of the N regions, none empty; N may be 0.
        boxes: [N, 4] float32 xyxy, half open, in pixels of the original image, inside it,
            x1 < x2 and y1 < y2.
        scores: [N] float32 in (0, 1]; 1 for the truth.

    Raises:
        ValueError: A field has another type or shape, or a value out of range; names the image.

    Example:
        >>> regions = ImageRegions('a', 8, 10, 'ct', ('liver',), [[2, 3, 6, 8]], [0.9])
        >>> len(regions), regions.boxes.tolist()
        (1, [[2.0, 3.0, 6.0, 8.0]])
    """

    image_id: str
    height: int
    width: int
    modality: str
    labels: tuple[str, ...]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ('image_id', 'modality'):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                self._refuse(f'{name} must be a non-empty string, got {value!r}')
        for name in ('height', 'width'):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                self._refuse(f'{name} must be a positive integer, got {value!r}')
            object.__setattr__(self, name, int(value))
        if isinstance(self.labels, str):
            self._refuse(f'labels must be a sequence of words, got the string {self.labels!r}')
        object.__setattr__(self, 'labels', tuple(self.labels))
        for label in self.labels:
            if not isinstance(label, str) or not label.strip():
                self._refuse(f'labels must be non-empty strings, got {label!r}')
        boxes, scores = self._as_floats('boxes'), self._as_floats('scores')
        count = len(self.labels)
        if boxes.size == 0 and count == 0:
            boxes = boxes.reshape(0, 4)
        if boxes.shape != (count, 4) or scores.shape != (count,):
            self._refuse(
                f'{count} labels need boxes of shape [{count}, 4] and scores of shape [{count}], '
                f'got {list(boxes.shape)} and {list(scores.shape)}'
            )
        self._check_values(boxes, scores)
        limits = np.array([self.width, self.height] * 2, np.float32)
        boxes = np.clip(boxes, 0, limits)
        for name, value in (('boxes', boxes), ('scores', scores)):
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.labels)

    def take(self, rows: Sequence[int]) -> ImageRegions:
        """Return the regions at some positions, in their order; none is allowed."""
        index = np.asarray(rows, np.int64)
        return replace(
            self,
            labels=tuple(self.labels[row] for row in index),
            boxes=self.boxes[index],
            scores=self.scores[index],
        )

    def scaled_to(self, image_id: str, height: int, width: int) -> ImageRegions:
        """Return the same regions on an image of another name and size.

        Args:
            image_id: Name of the other image.
            height: Its pixels.
            width: Its pixels.
        """
        factor = np.array([width / self.width, height / self.height] * 2)
        boxes = (self.boxes * factor).astype(np.float32)
        return replace(self, image_id=image_id, height=height, width=width, boxes=boxes)

    def _as_floats(self, name: str) -> npt.NDArray[np.float32]:
        try:
            return np.array(getattr(self, name), np.float32)
        except (TypeError, ValueError):
            self._refuse(f'{name} must be numbers')
            raise  # not reached

    def _check_values(
        self, boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]
    ) -> None:
        sane = np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)
        limits = np.array([self.width, self.height]) + _TOLERANCE
        inside = (boxes[:, :2] >= -_TOLERANCE).all(1) & (boxes[:, 2:] <= limits).all(1)
        for row in np.flatnonzero(~(sane & inside))[:1]:
            self._refuse(
                f'box {row} must have x1 < x2 and y1 < y2 inside the image of {self.width} x '
                f'{self.height} px (width x height), got {boxes[row].tolist()}'
            )
        for row in np.flatnonzero(~((scores > 0) & (scores <= 1)))[:1]:
            self._refuse(f'score {row} must lie in (0, 1], got {scores[row]}')

    def _refuse(self, why: str) -> None:
        raise ValueError(f'Regions of image {self.image_id!r}: {why}.')
