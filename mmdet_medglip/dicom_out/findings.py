"""What is to be reported: boxes on images, each with its label and score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ['Finding', 'Region', 'findings_of_image']

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Region:
    """A box on one image of a DICOM file.

    Attributes:
        path: The file.
        box: xyxy in pixels of the image as it is stored, half open.
        frame: Number of the image in the file, from 0.

    Raises:
        ValueError: The box is empty or not finite, or the frame is below 0.
    """

    path: Path
    box: Box
    frame: int = 0

    def __post_init__(self) -> None:
        """Bring the values to plain types, and check them."""
        x1, y1, x2, y2 = (float(value) for value in self.box)
        object.__setattr__(self, 'path', Path(self.path))
        object.__setattr__(self, 'box', (x1, y1, x2, y2))
        if not (all(map(math.isfinite, self.box)) and x1 < x2 and y1 < y2):
            raise ValueError(f'box must be finite with x1 < x2 and y1 < y2, got {self.box}.')
        if self.frame < 0:
            raise ValueError(f'frame must be at least 0, got {self.frame}.')


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        label: Label id of the ontology, or other words.
        score: In [0, 1], higher is surer.
        regions: Where it is: one region, or one on each slice of a volume that shows it.

    Raises:
        ValueError: There is no label or region, the score is out of range, or two regions are on
            one image.
    """

    label: str
    score: float
    regions: tuple[Region, ...]

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, 'regions', tuple(self.regions))
        object.__setattr__(self, 'score', float(self.score))
        if not self.label.strip():
            raise ValueError('label must not be empty.')
        if not 0 <= self.score <= 1:
            raise ValueError(f'score of {self.label!r} must lie in [0, 1], got {self.score}.')
        places = {(region.path, region.frame) for region in self.regions}
        if not self.regions or len(places) < len(self.regions):
            raise ValueError(
                f'{self.label!r} must have at least one region, and at most one on an image.'
            )


def findings_of_image(
    path: str | Path,
    boxes: npt.ArrayLike,
    scores: Sequence[float],
    labels: Sequence[str],
    *,
    frame: int = 0,
) -> list[Finding]:
    """Make findings of the boxes of one image.

    Args:
        path: DICOM file.
        boxes: [N, 4] xyxy in pixels of the image as it is stored; N may be 0.
        scores: N values in [0, 1].
        labels: N label ids.
        frame: Number of the image in the file, from 0.

    Raises:
        ValueError: The numbers of boxes, scores and labels differ, or a value is out of range.
    """
    rows = np.asarray(boxes, np.float64).reshape(-1, 4).tolist()
    return [
        Finding(label, score, (Region(Path(path), (x1, y1, x2, y2), frame),))
        for (x1, y1, x2, y2), score, label in zip(rows, scores, labels, strict=True)
    ]
