"""Findings of a DICOM series: linked boxes, on the slices they were linked from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmdet_medglip.ingest.dicom.geometry import Stack
from mmdet_medglip.ingest.volumes import Turn
from mmdet_medglip.volumes import SliceBoxes, VolumeBoxes, stored_slice_boxes

from .findings import Finding, Region

__all__ = ['findings_of_volume']


def findings_of_volume(
    linked: VolumeBoxes,
    found: SliceBoxes,
    names: Sequence[str],
    stack: Stack,
    paths: Sequence[Path],
    turn: Turn,
) -> list[Finding]:
    """Make one finding of each 3-D box, with the box of every slice it was linked from.

    Args:
        linked: 3-D boxes, of :func:`~mmdet_medglip.volumes.link_boxes`.
        found: The slice boxes they were linked from, in pixels of the shown slices.
        names: Label id of each label number.
        stack: The slices of the series.
        paths: Their files, by ``Frame.file``.
        turn: How the stack was turned to be shown, across its slices.

    Returns:
        The findings, in the order of ``linked``.

    Raises:
        ValueError: The shown slices cut across the images, or a slice is outside the stack.
    """
    boxes, slices = stored_slice_boxes(found.boxes, found.slices, turn, stack.grid.shape)
    if len(slices) and not (slices.min() >= 0 and slices.max() < len(stack.frames)):
        raise ValueError(f'slices must lie in the stack of {len(stack.frames)} images.')

    def region(row: int) -> Region:
        frame = stack.frames[slices[row]]
        x1, y1, x2, y2 = boxes[row].tolist()
        return Region(Path(paths[frame.file]), (x1, y1, x2, y2), frame.number)

    return [
        Finding(names[label], score, tuple(region(row) for row in members))
        for label, score, members in zip(
            linked.labels.tolist(), linked.scores.tolist(), linked.members, strict=True
        )
    ]
