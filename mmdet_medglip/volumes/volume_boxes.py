"""3-D boxes of one volume.

A box is ``(x1, y1, z1, x2, y2, z2)`` in voxels of the volume as its slices are shown, half open:
``x`` counts columns, ``y`` rows and ``z`` slices; voxel ``k`` of an axis spans ``[k, k + 1)``.
:mod:`.placement` gives the same in millimetres of the patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ['VolumeBoxes']


@dataclass(frozen=True, eq=False)
class VolumeBoxes:
    """3-D boxes of one volume, the surest first.

    Attributes:
        boxes: [M, 6] (x1, y1, z1, x2, y2, z2) in voxels; M may be 0.
        scores: [M] float64.
        labels: [M] int64.
        members: For each box, the positions of the slice boxes it was made of, in the order of
            their slices.
        left_out: Numbers of slice boxes that are in none, by reason.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    members: tuple[tuple[int, ...], ...]
    left_out: dict[str, int]

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.boxes)

    def clipped(self, shape: tuple[int, int, int]) -> VolumeBoxes:
        """Return the boxes without their parts outside the volume.

        There are such parts where only every n-th slice was asked: the first and the last one stand
        for slices on both sides, also where there are none.

        Args:
            shape: Rows, columns and slices of the volume.
        """
        rows, columns, slices = shape
        return replace(self, boxes=np.clip(self.boxes, 0.0, [columns, rows, slices] * 2))
