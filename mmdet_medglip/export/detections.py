"""What an exported detector finds in one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ['Detections']


@dataclass(frozen=True)
class Detections:
    """Boxes of one image, best first; there may be none.

    Attributes:
        boxes: float32 (n, 4), ``x1, y1, x2, y2`` in pixels of the image, half open.
        scores: float32 (n,) in (0, 1], falling.
        labels: int64 (n,), indices of the phrases that the file was exported with.
        phrases: The phrase of each box.

    Raises:
        ValueError: The four do not have one length.

    Example:
        >>> boxes = np.array([[1.0, 2.0, 5.0, 9.0]], np.float32)
        >>> found = Detections(boxes, np.ones(1), np.zeros(1, int), ('liver',))
        >>> len(found)
        1
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    phrases: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the lengths."""
        lengths = [len(self.boxes), len(self.scores), len(self.labels), len(self.phrases)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f'Detections: {lengths} boxes, scores, labels and phrases; expected one of each '
                'for every box.'
            )

    def __len__(self) -> int:
        return len(self.boxes)
