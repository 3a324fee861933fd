"""The voxels of a stack, and the structures that annotation files mark in it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import Dataset

from ..volumes import PlaneMasks
from .contours import fill_contours, read_contours
from .files import named, open_dicom
from .geometry import Frame, Stack
from .pixels import FramePixels, check_size, decode_frame
from .segmentation import SegmentFrame, SegmentNames, read_segments, segment_names

__all__ = ['LeftMarks', 'Marks', 'StackValues', 'load_stack', 'read_rtstruct', 'read_seg']

NumberOf = Callable[[str, int], int | None]


@dataclass(frozen=True, eq=False)
class StackValues:
    """Voxels of a stack.

    Args:
        values: Stored numbers (rows, columns, slices).
        slope: Physical value per stored unit.
        intercept: Physical value of a stored 0.
        is_scaled: Whether every file tells what the numbers mean.
        window: VOI window of the middle slice in physical values; None if not told.
        dataset: Header of the middle slice.
    """

    values: np.ndarray
    slope: float
    intercept: float
    is_scaled: bool
    window: tuple[float, float] | None
    dataset: Dataset


@dataclass(frozen=True)
class LeftMarks:
    """Marks that fit nowhere.

    Args:
        reason: Why.
        detail: What exactly.
        count: How many.
    """

    reason: str
    detail: str
    count: int


@dataclass
class Marks:
    """What an annotation file marks.

    Args:
        masks: Masks by the name of their structure.
        left: What fits nowhere.
    """

    masks: dict[str, PlaneMasks] = field(default_factory=dict)
    left: list[LeftMarks] = field(default_factory=list)


def load_stack(stack: Stack, paths: Sequence[Path]) -> StackValues:
    """Read the pixels of a stack, each file once.

    Args:
        stack: Its frames.
        paths: Their files, by ``Frame.file``.

    Returns:
        The voxels: stored numbers where all slices have one scale, else physical values.

    Raises:
        ValueError: If a file is damaged, or of another size or kind than the header said.
    """
    count = len(stack.frames)
    middle = count // 2
    values: np.ndarray | None = None
    scales: list[tuple[float, float]] = []
    is_scaled = True
    window, header = None, Dataset()
    for index, (dataset, pixels) in enumerate(_decoded(stack.frames, paths)):
        plane = pixels.values
        if values is None:
            values = np.empty((count, *stack.size), dtype=plane.dtype)
        elif plane.dtype != values.dtype:
            values = values.astype(np.result_type(values, plane))
        values[index] = plane
        scales.append((pixels.slope, pixels.intercept))
        is_scaled = is_scaled and pixels.is_scaled
        if index == middle:
            window, header = pixels.window, dataset
    if values is None:
        raise ValueError('a stack has no slices.')
    slope, intercept = scales[0]
    if len(set(scales)) > 1:
        factors = np.array(scales, dtype=np.float32)[:, :, None, None]
        values = values * factors[:, 0] + factors[:, 1]
        slope, intercept = 1.0, 0.0
    return StackValues(values.transpose(1, 2, 0), slope, intercept, is_scaled, window, header)


def read_seg(
    path: Path,
    shape: tuple[int, int, int],
    number_of: NumberOf,
    stack: Stack | None,
    names: SegmentNames = 'label',
) -> Marks:
    """Read the segments of a DICOM SEG that was drawn on a stack, or on images by themselves.

    Args:
        path: The file.
        shape: Rows, columns and number of the images.
        number_of: Tells which image a SOP instance UID and frame is.
        stack: The stack, if the images are one.
        names: See :func:`segment_names`.

    Returns:
        Masks in the raster of the images.

    Raises:
        ValueError: If the file is damaged or a frame is of an unknown segment.
    """
    with named(path):
        known = segment_names(open_dicom(path, pixels=False), names)
    marks = Marks()
    missed: Counter[str] = Counter()
    for frame in read_segments(path):
        name = known.get(frame.segment)
        if name is None:
            raise ValueError(f'{path} marks segment {frame.segment}, which it does not describe.')
        if not frame.mask.any():
            continue
        place = _locate(frame, shape[:2], number_of, stack)
        if place is None:
            missed[name] += 1
        else:
            index, row, column = place
            masks = marks.masks.setdefault(name, PlaneMasks(shape))
            masks.add(index, frame.mask, row, column)
    for name, count in sorted(missed.items()):
        marks.left.append(LeftMarks('segment frame fits no image', name, count))
    return marks


def read_rtstruct(path: Path, stack: Stack) -> Marks:
    """Read the contours of an RTSTRUCT that was drawn on a stack.

    Args:
        path: The file.
        stack: The stack.

    Returns:
        Masks in its raster.

    Raises:
        ValueError: If the file is damaged.
    """
    dataset = open_dicom(path)
    marks = Marks()
    curves: dict[tuple[str, int], list[np.ndarray]] = {}
    missed: Counter[tuple[str, str]] = Counter()
    with named(path):
        contours = list(read_contours(dataset))
    for contour in contours:
        if not contour.is_closed or contour.points is None:
            missed['contour is not a closed plane curve', f'{contour.name}: {contour.kind}'] += 1
            continue
        numbers = {stack.slice_at(point) for point in contour.points}
        index = numbers.pop()
        if numbers or index is None:
            missed['contour lies in no slice', contour.name] += 1
            continue
        plane = stack.plane_at(index)
        curves.setdefault((contour.name, index), []).append(plane.pixels(contour.points)[:, :2])
    shape = (*stack.size, len(stack.frames))
    for (name, index), polygons in curves.items():
        masks = marks.masks.setdefault(name, PlaneMasks(shape))
        masks.add(index, fill_contours(polygons, stack.size))
    marks.left = [LeftMarks(*key, count) for key, count in sorted(missed.items())]
    return marks


def _decoded(
    frames: Sequence[Frame], paths: Sequence[Path]
) -> Iterator[tuple[Dataset, FramePixels]]:
    opened, dataset = -1, Dataset()
    for frame in frames:
        path = paths[frame.file]
        if frame.file != opened:
            dataset, opened = open_dicom(path), frame.file
            check_size(dataset, path)
        pixels = decode_frame(dataset, frame.number, path)
        if pixels.is_colour or pixels.values.shape != frame.size:
            raise ValueError(f'{path} is a colour image, or of another size than its stack.')
        yield dataset, pixels


def _locate(
    frame: SegmentFrame, size: tuple[int, int], number_of: NumberOf, stack: Stack | None
) -> tuple[int, int, int] | None:
    """Find image, row and column of a frame, by its plane and by the images it names."""
    sources = {number_of(*source) for source in frame.sources} - {None}
    if stack is not None and frame.plane is not None:
        place = stack.place(frame.plane)
        return place if place is None or not sources or place[0] in sources else None
    if len(sources) == 1 and frame.mask.shape == size:
        return sources.pop() or 0, 0, 0
    return None
