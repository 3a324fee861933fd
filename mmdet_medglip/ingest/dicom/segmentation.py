"""DICOM SEG: segments, their names, and the masks of their frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydicom import Dataset
from pydicom.pixels import pixel_array

from .files import integer, items, named, open_dicom, text
from .frames import frame_groups, frames_of, group_item
from .geometry import Plane
from .pixels import check_size

__all__ = ['SegmentFrame', 'SegmentNames', 'read_segments', 'segment_names']

SegmentNames = Literal['label', 'type']
_BACKGROUND = 0
_MAJORITY = 0.5


@dataclass(frozen=True, eq=False)
class SegmentFrame:
    """What one frame marks of one segment.

    Args:
        segment: Number of the segment.
        mask: Bool (rows, columns).
        plane: Where the frame lies; None if the file does not say.
        sources: Images it was drawn on: SOP instance UID, and frame from 0.
    """

    segment: int
    mask: np.ndarray
    plane: Plane | None
    sources: tuple[tuple[str, int], ...]


def segment_names(dataset: Dataset, names: SegmentNames = 'label') -> dict[int, str]:
    """Return the name of each segment by its number.

    Args:
        dataset: Header of a segmentation.
        names: ``label`` for what its author called it; ``type`` for the coded type with its
            modifier, such as ``Left Kidney``. What is missing is taken from the other.

    Raises:
        ValueError: If a segment has neither.
    """
    found = {}
    for item in items(dataset, 'SegmentSequence'):
        number = integer(item, 'SegmentNumber', -1)
        label, kind = text(item, 'SegmentLabel'), _type_name(item)
        name = (label or kind) if names == 'label' else (kind or label)
        if number < 0 or name is None:
            raise ValueError(f'has a segment without number or name (number {number}).')
        found[number] = name
    return found


def read_segments(path: Path) -> Iterator[SegmentFrame]:
    """Read the frames of a segmentation, one after the other.

    Binary, fractional (inside from one half on) and label-map segmentations are known; frames
    may be missing, and segments may overlap.

    Args:
        path: The file.

    Yields:
        One mask per frame, or per segment of a frame of a label map. The background of a label
        map is left out.

    Raises:
        ValueError: If the file is no segmentation, is damaged, or a frame has no segment.
    """
    dataset = open_dicom(path)
    kind = text(dataset, 'SegmentationType')
    if kind not in ('BINARY', 'FRACTIONAL', 'LABELMAP'):
        raise ValueError(f'{path} is no DICOM segmentation of a known type.')
    check_size(dataset, path)
    with named(path):
        frames = frames_of(dataset)
        groups = list(frame_groups(dataset))
    if len(groups) != integer(dataset, 'NumberOfFrames', 1):
        raise ValueError(f'{path} describes {len(groups)} frames and holds another number.')
    whole = max(1, integer(dataset, 'MaximumFractionalValue', 255))
    padding = integer(dataset, 'PixelPaddingValue', _BACKGROUND)
    for frame, (shared, own) in zip(frames, groups, strict=True):
        values = _decode(dataset, frame.number, path)
        with named(path):
            sources = _sources(shared, own)
        if kind == 'LABELMAP':
            for segment in np.unique(values).tolist():
                if segment not in (_BACKGROUND, padding):
                    yield SegmentFrame(segment, values == segment, frame.plane, sources)
            continue
        with named(path):
            told = group_item(shared, own, 'SegmentIdentificationSequence') or Dataset()
        segment = integer(told, 'ReferencedSegmentNumber', -1)
        if segment < 0:
            raise ValueError(f'{path}: frame {frame.number} says of no segment.')
        inside = values >= _MAJORITY * whole if kind == 'FRACTIONAL' else values != 0
        yield SegmentFrame(segment, inside, frame.plane, sources)


def _decode(dataset: Dataset, index: int, path: Path) -> np.ndarray:
    try:
        return pixel_array(dataset, index=index)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(
            f'{path}: frame {index} cannot be decoded ({type(error).__name__}); replace the file.'
        ) from error


def _type_name(item: Dataset) -> str | None:
    types = items(item, 'SegmentedPropertyTypeCodeSequence')
    if not types:
        return None
    modifiers = items(types[0], 'SegmentedPropertyTypeModifierCodeSequence')
    meanings = [text(code, 'CodeMeaning') for code in (*modifiers, types[0])]
    return ' '.join(meaning for meaning in meanings if meaning) or None


def _sources(shared: Dataset, own: Dataset) -> tuple[tuple[str, int], ...]:
    derivation = group_item(shared, own, 'DerivationImageSequence') or Dataset()
    return tuple(
        (uid, max(1, integer(source, 'ReferencedFrameNumber', 1)) - 1)
        for source in items(derivation, 'SourceImageSequence')
        if (uid := text(source, 'ReferencedSOPInstanceUID')) is not None
    )
