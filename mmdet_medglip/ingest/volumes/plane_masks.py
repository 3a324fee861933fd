"""Masks that are drawn slice by slice."""

from collections.abc import Sequence

import numpy as np

from mmdet_medglip.ontology.ontology import BoxPolicy

from .grid import Turn
from .structures import Structure, structure_of_mask

__all__ = ['PlaneMasks']


class PlaneMasks:
    """Collect the masks of one structure, each cropped to what it holds.

    Args:
        shape: Rows, columns and slices of the volume.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = tuple(shape)
        self._crops: list[tuple[int, int, int, np.ndarray]] = []

    def add(self, index: int, mask: np.ndarray, row: int = 0, column: int = 0) -> None:
        """Add a mask; what leaves the volume is cut off.

        Args:
            index: The slice.
            mask: Bool (H, W).
            row: Row of the volume at which the mask begins; may be negative.
            column: Column at which it begins.
        """
        top, left = max(0, -row), max(0, -column)
        mask = mask[top : self._shape[0] - row, left : self._shape[1] - column]
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return
        columns = np.flatnonzero(mask.any(axis=0))
        crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        self._crops.append((index, row + top + rows[0], column + left + columns[0], crop))

    def structure(
        self, name: str, policy: BoxPolicy | None, object_name: str, turn: Turn
    ) -> Structure | None:
        """Put the masks together.

        Args:
            name: Class name.
            policy: Box policy; ``components`` numbers the 3-D components.
            object_name: What the 3-D object is called.
            turn: Turn that brings the volume to display orientation.

        Returns:
            The structure in display orientation; None if all masks are empty.
        """
        if not self._crops:
            return None
        starts = np.array([(row, column, index) for index, row, column, _ in self._crops])
        ends = starts + [(*crop.shape, 1) for *_, crop in self._crops]
        start = starts.min(axis=0)
        volume = np.zeros(ends.max(axis=0) - start, dtype=bool)
        for (row, column, index), (*_, crop) in zip(starts - start, self._crops, strict=True):
            volume[row : row + crop.shape[0], column : column + crop.shape[1], index] |= crop
        offset = turn.offset(start.tolist(), volume.shape, self._shape)
        return structure_of_mask(name, turn.apply(volume), policy, object_name, offset)
