"""DICOM series and images, with segmentations and contours."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

from mmdet_medglip.registry import READERS

from ..dicom.attributes import modality_of
from ..dicom.describe import describe, is_hounsfield, store_pixels
from ..dicom.files import is_dicom, named, open_dicom
from ..dicom.frames import frames_of
from ..dicom.geometry import Frame, Stack, split_stacks
from ..dicom.pixels import check_size, decode_frame
from ..dicom.scan import (
    Header,
    ImageGroup,
    find_files,
    group_images,
    read_header,
    stack_of_files,
)
from ..dicom.segmentation import SegmentNames
from ..dicom.stacks import Marks, load_stack, read_rtstruct, read_seg
from ..paths import inside
from ..source import SourceImage, SourceItem
from ..volumes import PLANES, Structure, Turn, Volume
from .base import RecipeError
from .volume_reader import VolumeReader

__all__ = ['DicomReader']

_ANNOTATIONS = ('none', 'seg', 'rtstruct')
_MISSING = ('skip', 'negative')
_SUFFIXES = {'.dcm', '.dicom', '.ima'}
_ACQUIRED = 'acquired'
_AS_STORED = Turn((0, 1, 2), (False, False, False))


@READERS.register_module()
class DicomReader(VolumeReader):
    """Read DICOM files, wherever they lie below the root, by what their headers say.

    Images of a series that have positions are slices of a volume. A series of several
    directions, sizes, acquisitions, echoes or times is several volumes; one with several images
    at a position, or with gaps, is left out. Files of several frames with positions are volumes
    too. All other images, and frames, stand alone (X-ray, ultrasound, photographs).

    Args:
        root: Folder of the data set.
        files: Pattern, or several, of the files to look at; None for every file below the root.
        annotations: ``seg`` for DICOM SEG, ``rtstruct`` for RTSTRUCT, or ``none``. A file
            belongs to the series that it names, or else to those in its frame of reference.
        segment_names: ``label`` for what the author of a SEG called a segment, or ``type`` for
            its coded type.
        missing: What an image without annotation is: to ``skip``, or a ``negative``.
        gaps: Whether to ``reject`` or ``keep`` volumes whose slices are unevenly spaced.
        plane: ``acquired`` for slices as they were taken, or another plane through even volumes.
        **common: See :class:`VolumeReader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    planes: ClassVar[tuple[str, ...]] = (_ACQUIRED, *PLANES)

    def __init__(
        self,
        root: str | Path,
        *,
        files: str | Sequence[str] | None = None,
        annotations: str | None = 'none',
        segment_names: SegmentNames = 'label',
        missing: str = 'skip',
        gaps: str = 'reject',
        plane: str = _ACQUIRED,
        **common: Any,
    ) -> None:
        super().__init__(root, plane=plane, **common)
        annotations = 'none' if annotations is None else annotations
        for option, value, choices in (
            ('annotations', annotations, _ANNOTATIONS),
            ('segment_names', segment_names, get_args(SegmentNames)),
            ('missing', missing, _MISSING),
            ('gaps', gaps, ('reject', 'keep')),
        ):
            if value not in choices:
                raise RecipeError(
                    f'Data set {self.source!r}: {option!r} must be one of {choices}, got {value!r}.'
                )
        self._files = [files] if isinstance(files, str) else files
        self._annotations = annotations
        self._segment_names = segment_names
        self._missing = missing
        self._gaps = gaps

    def items(self) -> Sequence[SourceItem]:
        """List series and images, sorted by their first file."""
        headers = self._headers()
        images = [header for header in headers if header.kind == 'image']
        images = [header for header in images if self._is_known(header)]
        marks = [header for header in headers if header.kind == self._annotations]
        for header in headers:
            if header.kind == 'other':
                self.reject(header.path, 'DICOM file holds no image')
            elif header.kind in ('seg', 'rtstruct') and header.kind != self._annotations:
                self.reject(header.path, 'annotation file is not used', header.kind)
        names = [self.relative(header.path) for header in images]
        groups, faults = group_images(images, names, allow_gaps=self._gaps == 'keep')
        for fault in faults:
            self.reject(fault.path, fault.reason, fault.detail, count=fault.count)
        if not images:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no DICOM image lies in {self.root}; check root and '
                "'files'."
            )
        return self._items(groups, marks)

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read a volume, or an image with all its frames."""
        paths = [inside(self.root, name) for name in item.payload['files']]
        marks = [inside(self.root, name) for name in item.payload['annotations']]
        name, is_part = item.payload['name'], item.payload['is_part']
        if item.payload['is_stack']:
            yield from self._read_stack(stack_of_files(paths), paths, name, marks, is_part)
            return
        dataset = open_dicom(paths[0], pixels=False)
        check_size(dataset, paths[0])
        with named(paths[0]):
            frames = frames_of(dataset)
        if all(frame.plane is not None for frame in frames):
            with named(paths[0]):
                stacks = split_stacks(frames)
            for number, stack in enumerate(stacks, start=1):
                told = name if len(stacks) == 1 else f'{name}/{number}'
                yield from self._read_stack(stack, paths, told, marks, len(stacks) > 1)
        else:
            yield from self._read_images(frames, paths[0], name, marks)

    def _headers(self) -> list[Header]:
        """Read the headers of all files that are DICOM."""
        headers = []
        for path in find_files(self.root, self._files):
            try:
                if is_dicom(path):
                    headers.append(read_header(path))
                elif path.suffix.lower() in _SUFFIXES:
                    self.reject(path, 'not a DICOM file', 'it lacks the mark DICM after 128 bytes')
            except (ValueError, OSError) as error:
                self.reject(path, 'DICOM header is not readable', str(error))
        return headers

    def _is_known(self, header: Header) -> bool:
        """Tell whether the ontology knows the modality of an image; note it if not."""
        try:
            modality_of(header.dataset, self.label_map.ontology)
        except ValueError as error:
            self.reject(header.path, 'modality is not known', str(error), count=header.frames)
            return False
        return True

    def _items(self, groups: Sequence[ImageGroup], marks: Sequence[Header]) -> list[SourceItem]:
        of_group: list[list[Header]] = [[] for _ in groups]
        for mark in marks:
            told = [g for g in groups if g.headers[0].series in mark.references]
            near = [g for g in groups if mark.space and g.headers[0].space == mark.space]
            for group in told or near:
                of_group[groups.index(group)].append(mark)
            if not told and not near:
                self.reject(mark.path, 'annotation belongs to no image')
        items: dict[str, SourceItem] = {}
        names: set[str] = set()
        for group, found in zip(groups, of_group, strict=True):
            path = group.headers[0].path
            if self._annotations != 'none' and not found and self._missing == 'skip':
                self.reject(path, 'annotation file is missing', count=len(group.headers))
            elif group.name in names:
                self.reject(path, 'name is used twice', count=len(group.headers))
            else:
                names.add(group.name)
                items[self.relative(path)] = self._item(group, found)
        return list(items.values())

    def _item(self, group: ImageGroup, marks: Sequence[Header]) -> SourceItem:
        files = [self.relative(header.path) for header in group.headers]
        annotations = [self.relative(header.path) for header in marks]
        return SourceItem(
            files[0],
            (*files, *annotations),
            {
                'name': group.name,
                'files': files,
                'annotations': annotations,
                'is_stack': group.is_stack,
                'is_part': group.is_part,
            },
        )

    def _read_stack(
        self, stack: Stack, paths: Sequence[Path], name: str, marks: Sequence[Path], is_part: bool
    ) -> Iterator[SourceImage]:
        grid = stack.grid
        if self.plane == _ACQUIRED:
            plane = grid.nearest_plane(2)
            turn = grid.turn_to(plane, across=2)
        elif stack.is_even:
            plane, turn = self.plane, grid.turn_to(self.plane)
        else:
            raise ValueError(f'{paths[0]}: slices are unevenly spaced, give plane {_ACQUIRED!r}.')
        structures = self._structures(marks, grid.shape, stack.frames, stack, turn, quiet=is_part)
        loaded = load_stack(stack, paths)
        with named(paths[0]):
            fields = describe(loaded.dataset, self.label_map.ontology)
        shown = grid.turned(turn)
        volume = Volume(
            turn.apply(loaded.values), shown.spacing_mm, plane, loaded.slope, loaded.intercept
        )
        yield from self.slices(
            paths[0],
            name,
            volume,
            structures,
            annotated=self._annotations != 'none',
            hounsfield=is_hounsfield(fields['modality'], loaded.is_scaled),
            **(fields | self._of_volume(paths[0], volume, loaded.window)),
        )

    def _of_volume(
        self, path: Path, volume: Volume, window: tuple[float, float] | None
    ) -> dict[str, Any]:
        """Return the fields that the volume tells better than a header."""
        return {
            'view': volume.plane,
            'spacing_mm': volume.spacing_mm[:2],
            'window': window,
            'folder': self._folder(path),
        }

    def _read_images(
        self, frames: Sequence[Frame], path: Path, name: str, marks: Sequence[Path]
    ) -> Iterator[SourceImage]:
        shape = (*frames[0].size, len(frames))
        structures = self._structures(marks, shape, frames, None, _AS_STORED, quiet=False)
        dataset = open_dicom(path)
        with named(path):
            fields = describe(dataset, self.label_map.ontology) | {'folder': self._folder(path)}
        annotated = self._annotations != 'none'
        for index, regions in self.taken(path, name, shape, structures, annotated):
            pixels = decode_frame(dataset, index, path)
            hounsfield = is_hounsfield(fields['modality'], pixels.is_scaled)
            with named(path):
                stored = store_pixels(pixels, hounsfield=hounsfield)
            several = len(frames) > 1
            yield SourceImage(
                name=f'{name}/{index:04d}' if several else name,
                regions=regions,
                slice_index=index if several else None,
                **(fields | stored),
            )

    def _structures(
        self,
        marks: Sequence[Path],
        shape: tuple[int, int, int],
        frames: Sequence[Frame],
        stack: Stack | None,
        turn: Turn,
        *,
        quiet: bool,
    ) -> list[Structure]:
        """Read annotation files; ``quiet`` if what fits nowhere here may fit another volume."""
        numbers = {(frame.uid, frame.number): index for index, frame in enumerate(frames)}
        found = []
        for path in marks:
            read = self._read_marks(path, shape, numbers, stack)
            for left in () if quiet else read.left:
                self.reject(path, left.reason, left.detail, count=left.count)
            for name, masks in read.masks.items():
                policy = self.label_map.box_policy(name)
                structure = masks.structure(name, policy, self.object_name(name), turn)
                found += [] if structure is None else [structure]
        return found

    def _read_marks(
        self,
        path: Path,
        shape: tuple[int, int, int],
        numbers: dict[tuple[str, int], int],
        stack: Stack | None,
    ) -> Marks:
        if self._annotations == 'seg':
            return read_seg(path, shape, lambda *key: numbers.get(key), stack, self._segment_names)
        if stack is None:
            raise ValueError(f'{path} marks images without positions, which contours need.')
        return read_rtstruct(path, stack)

    def _folder(self, path: Path) -> str | None:
        """Return the first folder below the root that a file lies in."""
        parts = path.relative_to(self.root).parts
        return parts[0] if len(parts) > 1 else None
