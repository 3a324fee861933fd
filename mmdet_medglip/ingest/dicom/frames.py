"""The frames of a DICOM data set: where each lies, and the groups that describe it."""

from collections.abc import Iterator

import numpy as np
from pydicom import Dataset

from .files import integer, items, number, numbers, text, texts
from .geometry import Frame, Plane

__all__ = ['FRAME_KEYS', 'frame_groups', 'frames_of', 'group_item', 'plane_of']

FRAME_KEYS = ('AcquisitionNumber', 'TemporalPositionIdentifier', 'EchoNumbers', 'ImageType')
"""Attributes of a file that may tell images at one position apart."""

_GROUP_KEYS = (
    ('FrameContentSequence', 'StackID'),
    ('FrameContentSequence', 'TemporalPositionIndex'),
    ('FrameContentSequence', 'FrameAcquisitionNumber'),
    ('MREchoSequence', 'EffectiveEchoTime'),
    ('CTImageFrameTypeSequence', 'FrameType'),
    ('MRImageFrameTypeSequence', 'FrameType'),
)
_UNIT_LENGTH = 1e-2


def frames_of(dataset: Dataset, file: int = 0) -> list[Frame]:
    """List the frames of a data set.

    Args:
        dataset: A single image, or a multi-frame one with or without functional groups.
        file: Number of the file, for the frames.

    Returns:
        One frame per image, in the order of the file.
    """
    uid = text(dataset, 'SOPInstanceUID') or ''
    size = (integer(dataset, 'Rows'), integer(dataset, 'Columns'))
    count = max(1, integer(dataset, 'NumberOfFrames', 1))
    if not items(dataset, 'PerFrameFunctionalGroupsSequence'):
        plane = plane_of(dataset) if count == 1 else None
        keys = tuple('/'.join(texts(dataset, key)) for key in FRAME_KEYS)
        return [Frame(uid, number, file, size, plane, keys) for number in range(count)]
    frames = []
    for index, (shared, own) in enumerate(frame_groups(dataset)):
        keys = tuple(
            '/'.join(texts(group_item(shared, own, name) or Dataset(), key))
            for name, key in _GROUP_KEYS
        )
        frames.append(Frame(uid, index, file, size, _frame_plane(shared, own), keys))
    return frames


def frame_groups(dataset: Dataset) -> Iterator[tuple[Dataset, Dataset]]:
    """Yield the shared functional groups and those of its own for each frame."""
    shared = (items(dataset, 'SharedFunctionalGroupsSequence') or [Dataset()])[0]
    for own in items(dataset, 'PerFrameFunctionalGroupsSequence'):
        yield shared, own


def group_item(shared: Dataset, own: Dataset, name: str) -> Dataset | None:
    """Return the item of a functional group, the frame's own before the shared one."""
    for groups in (own, shared):
        found = items(groups, name)
        if found:
            return found[0]
    return None


def plane_of(dataset: Dataset) -> Plane | None:
    """Return where a single image lies; None if it does not say or says nonsense."""
    thickness = number(dataset, 'SpacingBetweenSlices') or number(dataset, 'SliceThickness')
    return _make_plane(
        numbers(dataset, 'ImagePositionPatient', 3),
        numbers(dataset, 'ImageOrientationPatient', 6),
        numbers(dataset, 'PixelSpacing', 2),
        thickness,
    )


def _frame_plane(shared: Dataset, own: Dataset) -> Plane | None:
    position = group_item(shared, own, 'PlanePositionSequence') or Dataset()
    orientation = group_item(shared, own, 'PlaneOrientationSequence') or Dataset()
    measures = group_item(shared, own, 'PixelMeasuresSequence') or Dataset()
    thickness = number(measures, 'SpacingBetweenSlices') or number(measures, 'SliceThickness')
    return _make_plane(
        numbers(position, 'ImagePositionPatient', 3),
        numbers(orientation, 'ImageOrientationPatient', 6),
        numbers(measures, 'PixelSpacing', 2),
        thickness,
    )


def _make_plane(
    position: tuple[float, ...] | None,
    orientation: tuple[float, ...] | None,
    spacing: tuple[float, ...] | None,
    thickness: float | None,
) -> Plane | None:
    if position is None or orientation is None or spacing is None or min(spacing) <= 0:
        return None
    along_row, along_column = np.reshape(orientation, (2, 3))
    products = (
        along_row @ along_row - 1,
        along_column @ along_column - 1,
        along_row @ along_column,
    )
    if max(map(abs, products)) > _UNIT_LENGTH:
        return None
    usual = thickness if thickness is not None and thickness > 0 else None
    return Plane(position, orientation, (spacing[0], spacing[1]), usual)
