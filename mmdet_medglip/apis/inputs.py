"""What there is to look at: files, folders, patterns, series, and images in memory.

Finding is cheap: names, and headers of DICOM files, a folder at a time. So a folder of any size is
walked with the memory of its largest sub-folder's names.
"""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from mmdet_medglip.ingest.dicom.files import is_dicom
from mmdet_medglip.ingest.dicom.scan import Header, group_images, read_header
from mmdet_medglip.ingest.paths import inside

from .result import Failure, ImageSource

__all__ = ['IMAGE_SUFFIXES', 'VOLUME_SUFFIXES', 'InputItem', 'find_items', 'list_inputs']

Kind = Literal['image', 'dicom', 'series', 'volume', 'array', 'bytes']

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.jpe', '.tif', '.tiff', '.bmp', '.gif', '.webp')
VOLUME_SUFFIXES = ('.nii', '.nii.gz', '.mha', '.mhd', '.nrrd', '.nhdr')
_MAGIC = '*?['


@dataclass(frozen=True)
class InputItem:
    """One thing that is read at once: an image, a DICOM file, a series, a volume.

    Args:
        kind: How it is read.
        name: What it is called in results.
        paths: Its files; those of a series in the order of their slices. None for memory.
        content: The array, Pillow image or bytes in memory.
        input_index: Which of the inputs it belongs to.
    """

    kind: Kind
    name: str
    paths: tuple[str, ...] = ()
    content: Any = None
    input_index: int = 0

    @property
    def source(self) -> ImageSource:
        """The item as the source of an answer, or of a failure."""
        path = self.paths[0] if self.paths else None
        return ImageSource(self.name, path, input_index=self.input_index)


def list_inputs(inputs: Any) -> list[Any]:
    """Return the inputs as a list.

    Args:
        inputs: One input, or a list or tuple of them.

    Raises:
        ValueError: There is none.
    """
    found = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if not found:
        raise ValueError('There is nothing to look at: the list of inputs is empty.')
    return found


def find_items(
    inputs: Sequence[Any], exclude: Sequence[Path] = ()
) -> Iterator[InputItem | Failure]:
    """Find what the inputs are made of.

    Args:
        inputs: Each a path, a pattern with ``*``, ``?`` or ``[]`` (``**`` for any depth), a
            folder, bytes of a file, a Pillow image, or an array.
        exclude: Folders that are passed over where a folder or pattern begins outside of them,
            such as those that answers are written to.

    Yields:
        Items in the order of the inputs, files of a folder by name, DICOM files of a folder by
        series behind the others; and what cannot be an item, with the reason. Files of a folder
        that are no image have the stage ``'skip'``. Names that start with a dot are passed over.
        Files that a pattern fits come before the folders that it fits.
    """
    places = [_real(folder) for folder in exclude]
    for index, given in enumerate(inputs):
        for item in _items_of(given, index, places):
            if isinstance(item, InputItem):
                yield replace(item, input_index=index)
            else:
                yield replace(item, source=replace(item.source, input_index=index))


def _items_of(given: Any, index: int, exclude: Sequence[Path]) -> Iterator[InputItem | Failure]:
    if isinstance(given, bytes | bytearray | memoryview):
        yield InputItem('bytes', f'bytes {index}', content=bytes(given))
    elif isinstance(given, np.ndarray | Image.Image):
        yield InputItem('array', f'array {index}', content=given)
    elif isinstance(given, str | os.PathLike):
        yield from _items_of_path(str(os.fspath(given)), index, exclude)
    else:
        yield _failure(
            f'input {index}',
            f'Input {index} is a {type(given).__name__}; expected a path, bytes, an array or a '
            'Pillow image.',
        )


def _items_of_path(text: str, index: int, exclude: Sequence[Path]) -> Iterator[InputItem | Failure]:
    if not text:
        yield _failure(
            f'input {index}',
            f'Input {index} is an empty path; name a file or a folder (. is the current one).',
        )
        return
    if '://' in text:
        yield _failure(text, f'{text} is an address; download the file and give its path.')
        return
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        yield _failure(text, f'{text} begins with ~ and a user who has no home; write it out.')
        return
    # Functions of os.path take what cannot be looked at for what is not there.
    if os.path.isdir(path):
        folder = _items_of_folder(path, exclude)
        yield from _or_none(folder, text, f'No image lies in the folder {text}.')
    elif os.path.isfile(path):
        yield _item_of_file(path)
    elif _is_magic(text):
        fitting = _items_of_pattern(path, exclude)
        yield from _or_none(fitting, text, f'No image fits the pattern {text}.')
    else:
        yield _failure(text, _why_not(path, text))


def _or_none(
    items: Iterator[InputItem | Failure], name: str, reason: str
) -> Iterator[InputItem | Failure]:
    """Yield items; in the end a failure if no image was among them."""
    found = False
    for item in items:
        found = found or isinstance(item, InputItem)
        yield item
    if not found:
        yield _failure(name, reason)


def _why_not(path: Path, text: str) -> str:
    """Why a path is neither a file nor a folder."""
    try:
        path.stat()
    except FileNotFoundError:
        if os.path.islink(path):
            return f'{text} is a link to nothing; remove or mend it.'
        return f'{text} does not exist; check the path.'
    except (OSError, ValueError) as error:
        why = getattr(error, 'strerror', None) or error
        return f'{text} cannot be read ({why}); check the path and its rights.'
    return f'{text} is neither a file nor a folder.'


def _items_of_pattern(path: Path, exclude: Sequence[Path]) -> Iterator[InputItem | Failure]:
    """Files that fit a pattern, then what lies in the folders that fit it."""
    plain = itertools.takewhile(lambda part: not _is_magic(part), path.parts)
    outside = _not_around(_real(Path(*plain)), exclude)
    found = [Path(match) for match in sorted(glob.iglob(str(path), recursive=True))]
    found = [match for match in found if not _is_in(match, outside)]
    folders = {match for match in found if os.path.isdir(match)}
    # What lies in a folder that fits is found there, and is said there; '**' fits both.
    found = [match for match in found if folders.isdisjoint(match.parents)]
    yield from _unread_folders(_unread_of_pattern(path, folders, outside))
    yield from _items_of_files([match for match in found if os.path.isfile(match)])
    for match in found:
        if match in folders:
            folder = _items_of_folder(match, exclude)
            yield from _or_none(folder, str(match), f'No image lies in the folder {match}.')
        elif not os.path.isfile(match):
            yield _failure(str(match), _why_not(match, str(match)))


def _unread_of_pattern(path: Path, fitting: set[Path], outside: Sequence[Path]) -> list[OSError]:
    """Folders that a pattern looks into and that cannot be listed: glob passes over them."""
    unread: dict[Path, OSError] = {}
    for place, part in enumerate(path.parts):
        if not _is_magic(part):
            continue
        listed = Path(*path.parts[: place + (part == '**')])
        for folder in map(Path, sorted(glob.iglob(str(listed), recursive=True))):
            if not os.path.isdir(folder) or _is_in(folder, outside):
                continue
            if not fitting.isdisjoint((folder, *folder.parents)):
                continue
            try:
                os.scandir(folder).close()
            except OSError as error:
                unread[folder] = error
    return list(unread.values())


def _items_of_folder(root: Path, exclude: Sequence[Path]) -> Iterator[InputItem | Failure]:
    start = _real(root)
    outside = [place for place in _not_around(start, exclude) if place.is_relative_to(start)]
    unread: list[OSError] = []
    for folder, names, files in os.walk(root, onerror=unread.append):
        yield from _unread_folders(unread)
        below = [Path(folder, name) for name in sorted(names) if not name.startswith('.')]
        linked = [path for path in below if path.is_symlink()]
        names[:] = [
            path.name for path in below if not path.is_symlink() and not _is_in(path, outside)
        ]
        kept = []
        for name in sorted(name for name in files if not name.startswith('.')):
            path = Path(folder, name)
            try:
                kept.append(inside(root, path.relative_to(root)))
            except ValueError as error:
                yield _failure(str(path), str(error))
        yield from _items_of_files(kept)
        for path in linked:
            yield _linked_folder(path, start)
    yield from _unread_folders(unread)


def _unread_folders(errors: list[OSError]) -> Iterator[Failure]:
    """Failures of folders that could not be listed; they are taken off the list."""
    while errors:
        error = errors.pop(0)
        why = f'Folder {error.filename} cannot be read ({error.strerror}); check its rights.'
        yield _failure(str(error.filename), why)


def _linked_folder(path: Path, start: Path) -> Failure:
    """What to say of a link to a folder; one to elsewhere is an input that has no answer."""
    if _real(path).is_relative_to(start):
        reason = f'{path} is a link to a folder that is read by its own name; not followed.'
        return _failure(str(path), reason, 'skip')
    return _failure(
        str(path), f'{path} is a link to a folder, which is not followed; name that folder too.'
    )


def _not_around(start: Path, folders: Sequence[Path]) -> list[Path]:
    """Folders that do not hold the place where a search begins."""
    return [folder for folder in folders if not start.is_relative_to(folder)]


def _is_in(path: Path, folders: Sequence[Path]) -> bool:
    return bool(folders) and any(map(_real(path).is_relative_to, folders))


def _is_magic(text: str) -> bool:
    return any(mark in text for mark in _MAGIC)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _items_of_files(paths: Sequence[Path]) -> Iterator[InputItem | Failure]:
    """Items of files found by name; what is no image is skipped."""
    dicom = []
    for path in paths:
        kind = _kind_by_name(path)
        if kind is not None:
            yield InputItem(kind, str(path), (str(path),))
        elif _has_dicom_mark(path):
            dicom.append(path)
        else:
            yield _failure(str(path), f'{path} is no image by its name or content.', 'skip')
    yield from _items_of_dicom(dicom)


def _item_of_file(path: Path) -> InputItem | Failure:
    """A file that was named: whatever it is called, it is looked into."""
    kind = _kind_by_name(path) or ('dicom' if _has_dicom_mark(path) else 'image')
    return InputItem(kind, str(path), (str(path),))


def _items_of_dicom(paths: Sequence[Path]) -> Iterator[InputItem | Failure]:
    headers: list[Header] = []
    for path in paths:
        try:
            header = read_header(path)
        except (ValueError, OSError) as error:
            yield _failure(str(path), str(error))
            continue
        if header.kind == 'image':
            headers.append(header)
        else:
            yield _failure(str(path), f'{path} is DICOM without an image ({header.kind}).', 'skip')
    groups, faults = group_images(headers, [str(h.path) for h in headers], allow_gaps=True)
    alone = {str(header.path) for header in headers}
    for group in groups:
        files = tuple(str(header.path) for header in group.headers)
        alone.difference_update(files)
        if group.is_stack:
            yield InputItem('series', _volume_name(group.name, files[0]), files)
        else:
            yield InputItem('dicom', files[0], files)
    twice = {str(fault.path): fault for fault in faults if fault.reason.endswith('there twice')}
    for name in sorted(alone):  # Images of a series whose slices cannot be told apart.
        if name in twice:
            yield _failure(name, f'{name}: {twice[name].reason} ({twice[name].detail}).', 'skip')
        else:
            yield InputItem('dicom', name, (name,))


def _volume_name(series: str, first: str) -> str:
    return f'{Path(first).parent}:{series}'


def _kind_by_name(path: Path) -> Kind | None:
    name = path.name.lower()
    if name.endswith(VOLUME_SUFFIXES):
        return 'volume'
    return 'image' if name.endswith(IMAGE_SUFFIXES) and not _has_dicom_mark(path) else None


def _has_dicom_mark(path: Path) -> bool:
    try:
        return is_dicom(path)
    except OSError:
        return False


def _failure(name: str, reason: str, stage: str = 'find') -> Failure:
    return Failure(ImageSource(name, name), stage, reason)
