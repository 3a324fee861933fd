"""3-D boxes of one volume.

A box is ``(x1, y1, z1, x2, y2, z2)`` in voxels of the volume as its slices are shown, half open:
``x`` counts columns, ``y`` rows and ``z`` slices; voxel ``k`` of an axis spans ``[k, k + 1)``.
:mod:`.placement` gives the same in millimetres of the patient.
"""

from __future__ import annotations

from dataclasses import dataclass

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
