"""Which DICOM files are images, which belong together, and which annotate others."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom import Dataset

from ..paths import FileFinder, inside, readable_name
from .files import integer, items, named, open_dicom, text
from .frames import FRAME_KEYS, frames_of
from .geometry import Frame, Stack, split_stacks

__all__ = [
    'Fault',
    'Header',
    'ImageGroup',
    'find_files',
    'group_images',
    'read_header',
    'stack_of_files',
]

_TAGS = (
    *('SOPClassUID', 'SOPInstanceUID', 'Modality', 'SeriesInstanceUID', 'StudyInstanceUID'),
    *('PatientID', 'FrameOfReferenceUID', 'Rows', 'Columns', 'NumberOfFrames', 'SegmentationType'),
    *('ImagePositionPatient', 'ImageOrientationPatient', 'PixelSpacing', 'SliceThickness'),
    *('SpacingBetweenSlices', 'ReferencedSeriesSequence', 'ReferencedFrameOfReferenceSequence'),
    *FRAME_KEYS,
)
_DIRECTORY = '1.2.840.10008.1.3.10'
_STRUCTURE_SET = '1.2.840.10008.5.1.4.1.1.481.3'


@dataclass(frozen=True)
class Header:
    """What a file says about itself.

    Args:
        path: The file.
        kind: ``image``, ``seg``, ``rtstruct``, ``directory`` (DICOMDIR) or ``other``.
        series: Series instance UID; the file's own UID if it has none.
        study: Study instance UID.
        patient: Patient ID.
        frames: Number of frames.
        frame: Where its only frame is; None for several.
        space: Frame of reference UID.
        references: Series that an annotation was drawn on.
        dataset: The attributes that were read.
    """

    path: Path
    kind: str
    series: str
    study: str | None
    patient: str | None
    frames: int
    frame: Frame | None
    space: str | None
    references: tuple[str, ...] = ()
    dataset: Dataset = field(default_factory=Dataset, repr=False, compare=False)


@dataclass(frozen=True)
class ImageGroup:
    """Images that are read together.

    Args:
        name: Name, unique among the groups of sound data.
        headers: Files: those of a stack in the order of their positions, or one file.
        is_stack: Whether they are slices of one volume.
        is_part: Whether other groups are of the same series.
    """

    name: str
    headers: tuple[Header, ...]
    is_stack: bool
    is_part: bool = False


@dataclass(frozen=True)
class Fault:
    """Images that cannot be used.

    Args:
        path: The first file.
        reason: Why.
        detail: What exactly.
        count: Number of images.
    """

    path: Path
    reason: str
    detail: str
    count: int


def find_files(root: Path, patterns: Sequence[str] | None) -> list[Path]:
    """List the files to look at, sorted.

    Args:
        root: Folder of the data set.
        patterns: Patterns relative to it; None for every file below it.

    Raises:
        ValueError: If a pattern or a symbolic link leaves the root, or a name is not UTF-8.
    """
    if patterns is not None:
        finder = FileFinder(root)
        return sorted({match.path for pattern in patterns for match in finder.match(pattern)})
    found = []
    for folder, _, names in os.walk(root):
        where = Path(folder).relative_to(root)
        found += [inside(root, readable_name(str(where / name), root)) for name in names]
    return sorted(found)


def read_header(path: Path) -> Header:
    """Read the header of a DICOM file, without pixels.

    Raises:
        ValueError: If it cannot be read.
    """
    dataset = open_dicom(path, pixels=False, tags=_TAGS)
    with named(path):
        return _parse_header(path, dataset)


def group_images(
    headers: Sequence[Header], names: Sequence[str], *, allow_gaps: bool = False
) -> tuple[list[ImageGroup], list[Fault]]:
    """Group images into stacks, and images that stand alone.

    Images of a series that have a position are slices of a stack; see ``split_stacks`` for
    series that hold several. All others, and files of several frames, stand alone.

    Args:
        headers: Headers of images, in the order of their files.
        names: Name of each, for the case that it stands alone.
        allow_gaps: Whether slices of a stack may be missing or unevenly spaced.

    Returns:
        The groups, and the series that make none.
    """
    groups: list[ImageGroup] = []
    series: dict[tuple, list[Header]] = {}
    seen: set[str] = set()
    faults = []
    for header, name in zip(headers, names, strict=True):
        if header.frame is None or header.frame.plane is None:
            groups.append(ImageGroup(name, (header,), is_stack=False))
        elif header.frame.uid in seen:
            faults.append(Fault(header.path, 'image is there twice', 'same SOP instance UID', 1))
        else:
            seen.add(header.frame.uid)
            series.setdefault((header.patient, header.study, header.series), []).append(header)
    for (_, _, name), members in series.items():
        stacks, fault = _stacks_of(members, allow_gaps)
        faults += [] if fault is None else [fault]
        for number, (stack, sound) in enumerate(stacks, start=1):
            ordered = tuple(members[frame.file] for frame in stack.frames)
            if sound is None:
                told = name if len(stacks) == 1 else f'{name}/{number}'
                groups.append(ImageGroup(told, ordered, True, is_part=len(stacks) > 1))
            else:
                faults.append(sound)
    groups.sort(key=lambda group: group.headers[0].path)
    return groups, faults


def _parse_header(path: Path, dataset: Dataset) -> Header:
    kind = _kind(dataset)
    if kind == 'other' and 'SOPClassUID' not in dataset:
        raise ValueError('is cut off: it says neither what it is nor its size.')
    uid = text(dataset, 'SOPInstanceUID') or path.name
    frames = max(1, integer(dataset, 'NumberOfFrames', 1))
    single = frames_of(dataset)[0] if kind == 'image' and frames == 1 else None
    spaces, references = _references(dataset)
    return Header(
        path,
        kind,
        text(dataset, 'SeriesInstanceUID') or uid,
        text(dataset, 'StudyInstanceUID'),
        text(dataset, 'PatientID'),
        frames,
        single,
        text(dataset, 'FrameOfReferenceUID') or next(iter(spaces), None),
        references,
        dataset,
    )


def stack_of_files(paths: Sequence[Path]) -> Stack:
    """Build the stack that files were listed as.

    Raises:
        ValueError: If they are no stack any more.
    """
    frames = []
    for index, path in enumerate(paths):
        frame = read_header(path).frame
        if frame is None or frame.plane is None:
            raise ValueError(f'{path} has no position any more; it is damaged or was replaced.')
        frames.append(replace(frame, file=index))
    with named(paths[0]):
        stacks = split_stacks(frames)
    if len(stacks) != 1:
        raise ValueError(f'{paths[0]}: the files of its series were replaced; start again.')
    return stacks[0]


def _stacks_of(
    members: Sequence[Header], allow_gaps: bool
) -> tuple[list[tuple[Stack, Fault | None]], Fault | None]:
    """Return the stacks of a series, each with what is wrong with it, or why there are none."""
    frames = [
        replace(header.frame, file=index)
        for index, header in enumerate(members)
        if header.frame is not None
    ]
    path = members[0].path
    try:
        stacks = split_stacks(frames)
    except ValueError as error:
        return [], Fault(path, 'slices are at one position', f'series {error}', len(members))
    checked: list[tuple[Stack, Fault | None]] = []
    for stack in stacks:
        fault = None
        if not stack.is_even and not allow_gaps:
            detail = f'{len(stack.frames)} slices, usually {stack.step:.3f} mm apart'
            where = members[stack.frames[0].file].path
            fault = Fault(where, 'slices are missing or unevenly spaced', detail, len(stack.frames))
        checked.append((stack, fault))
    return checked, None


def _kind(dataset: Dataset) -> str:
    if text(dataset.file_meta, 'MediaStorageSOPClassUID') == _DIRECTORY:
        return 'directory'
    if text(dataset, 'SegmentationType') is not None or text(dataset, 'Modality') == 'SEG':
        return 'seg'
    if text(dataset, 'SOPClassUID') == _STRUCTURE_SET or text(dataset, 'Modality') == 'RTSTRUCT':
        return 'rtstruct'
    return 'image' if integer(dataset, 'Rows') and integer(dataset, 'Columns') else 'other'


def _references(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the frames of reference and the series that an annotation refers to."""
    referred = items(dataset, 'ReferencedSeriesSequence')
    spaces = []
    for space in items(dataset, 'ReferencedFrameOfReferenceSequence'):
        spaces.append(text(space, 'FrameOfReferenceUID'))
        for study in items(space, 'RTReferencedStudySequence'):
            referred += list(items(study, 'RTReferencedSeriesSequence'))
    series = [text(item, 'SeriesInstanceUID') for item in referred]
    return (
        tuple(uid for uid in spaces if uid is not None),
        tuple(dict.fromkeys(uid for uid in series if uid is not None)),
    )
