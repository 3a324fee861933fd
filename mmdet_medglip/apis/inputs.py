"""What there is to look at: files, folders, patterns, series, and images in memory.

Finding is cheap: names, and headers of DICOM files, a folder at a time. So a folder of any size is
walked with the memory of its largest sub-folder's names.
"""

from __future__ import annotations

import glob
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


def find_items(inputs: Sequence[Any]) -> Iterator[InputItem | Failure]:
    """Find what the inputs are made of.

    Args:
        inputs: Each a path, a pattern with ``*``, ``?`` or ``[]`` (``**`` for any depth), a
            folder, bytes of a file, a Pillow image, or an array.

    Yields:
        Items in the order of the inputs, files of a folder by name, DICOM files of a folder by
        series behind the others; and what cannot be an item, with the reason. Files of a folder
        that are no image have the stage ``'skip'``. Names that start with a dot are passed over.
    """
    for index, given in enumerate(inputs):
        for item in _items_of(given, index):
            if isinstance(item, InputItem):
                yield replace(item, input_index=index)
            else:
                yield replace(item, source=replace(item.source, input_index=index))


def _items_of(given: Any, index: int) -> Iterator[InputItem | Failure]:
    if isinstance(given, bytes | bytearray | memoryview):
        yield InputItem('bytes', f'bytes {index}', content=bytes(given))
    elif isinstance(given, np.ndarray | Image.Image):
        yield InputItem('array', f'array {index}', content=given)
    elif isinstance(given, str | os.PathLike):
        yield from _items_of_path(str(os.fspath(given)))
    else:
        yield _failure(
            f'input {index}',
            f'Input {index} is a {type(given).__name__}; expected a path, bytes, an array or a '
            'Pillow image.',
        )


def _items_of_path(text: str) -> Iterator[InputItem | Failure]:
    path = Path(text).expanduser()
    if '://' in text:
        yield _failure(text, f'{text} is an address; download the file and give its path.')
    elif path.is_dir():
        found = False
        for item in _items_of_folder(path):
            found = found or isinstance(item, InputItem)
            yield item
        if not found:
            yield _failure(text, f'No image lies in the folder {text}.')
    elif path.is_file():
        yield _item_of_file(path)
    elif any(mark in text for mark in _MAGIC):
        matches = sorted(glob.iglob(str(path), recursive=True))
        if not matches:
            yield _failure(text, f'No file fits the pattern {text}.')
        yield from _items_of_files([Path(match) for match in matches if Path(match).is_file()])
    else:
        yield _failure(text, f'{text} does not exist; check the path.')


def _items_of_folder(root: Path) -> Iterator[InputItem | Failure]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith('.'))
        kept = []
        for name in sorted(name for name in files if not name.startswith('.')):
            path = Path(folder, name)
            try:
                kept.append(inside(root, path.relative_to(root)))
            except ValueError as error:
                yield _failure(str(path), str(error))
        yield from _items_of_files(kept)


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
