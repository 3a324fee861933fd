"""What lies in a folder: a bounded list of its files, and the beginnings of some of them."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

__all__ = [
    'FAULTS',
    'HEAD_BYTES',
    'Scan',
    'common_folder',
    'scan_folder',
    'split_of_folder',
    'stem_of',
    'suffix_of',
]

FAULTS = (OSError, ValueError, EOFError, KeyError)
"""What a file that is not what it seems may raise."""

_FILES_PER_FOLDER = 400
_MAX_FILES = 20_000
_MAX_DEPTH = 7
HEAD_BYTES = 65_536
"""How much of a file is looked at."""

_LONG_SUFFIXES = ('.nii.gz', '.seg.nrrd')
_SPLITS = {
    'train': ('train', 'training', 'trainval', 'tr'),
    'val': ('val', 'valid', 'validation', 'dev', 'va'),
    'test': ('test', 'testing', 'ts'),
}


@dataclass(frozen=True)
class Scan:
    """Files of a folder.

    Args:
        root: The folder.
        files: Paths relative to it, with ``/``, sorted; at most some hundred of one folder.
        complete: Whether these are all files.
    """

    root: Path
    files: tuple[str, ...]
    complete: bool

    @cached_property
    def by_suffix(self) -> dict[str, list[str]]:
        """The files by suffix, in small letters, ``.nii.gz`` being one."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self.files:
            found[suffix_of(name)].append(name)
        return dict(found)

    def of(self, *suffixes: str) -> list[str]:
        """Return the files of some suffixes, sorted."""
        return sorted(name for suffix in suffixes for name in self.by_suffix.get(suffix, []))

    def path(self, name: str) -> Path:
        """Return the path of a file of the list."""
        return self.root / name

    def head(self, name: str) -> bytes:
        """Read the beginning of a file; nothing if it cannot be read."""
        try:
            with self.path(name).open('rb') as file:
                return file.read(HEAD_BYTES)
        except OSError:
            return b''

    def tail(self, name: str) -> bytes:
        """Read the end of a file, where a zip archive lists what it holds."""
        try:
            with self.path(name).open('rb') as file:
                file.seek(max(0, self.path(name).stat().st_size - HEAD_BYTES))
                return file.read(HEAD_BYTES)
        except OSError:
            return b''


def scan_folder(folder: Path) -> Scan:
    """List the files below a folder, without following links to folders.

    Args:
        folder: Folder to look at.

    Raises:
        FileNotFoundError: If it does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f'Folder {folder} does not exist; name the folder of a data set.')
    files: list[str] = []
    complete = True
    root = folder.resolve()
    for here, folders, names in os.walk(folder):
        relative = PurePosixPath(Path(here).relative_to(folder).as_posix())
        folders[:] = sorted(name for name in folders if not name.startswith(('.', '__')))
        names = sorted(
            name for name in names if not name.startswith('.') and _stays(here, name, root)
        )
        if len(relative.parts) >= _MAX_DEPTH and folders:
            folders.clear()
            complete = False
        complete = complete and len(names) <= _FILES_PER_FOLDER
        files += [str(relative / name) for name in names[:_FILES_PER_FOLDER]]
        if len(files) >= _MAX_FILES:
            complete = False
            break
    return Scan(folder, tuple(sorted(files[:_MAX_FILES])), complete)


def _stays(here: str, name: str, root: Path) -> bool:
    """Tell whether a file is one, or a link to one, below the root."""
    path = Path(here, name)
    return not path.is_symlink() or path.resolve().is_relative_to(root)


def suffix_of(name: str) -> str:
    """Return the suffix of a file name in small letters."""
    low = name.lower()
    for suffix in _LONG_SUFFIXES:
        if low.endswith(suffix):
            return suffix
    return PurePosixPath(low).suffix


def stem_of(name: str) -> str:
    """Return the name of a file without folders and suffix."""
    return PurePosixPath(name).name[: -len(suffix_of(name)) or None]


def split_of_folder(name: str) -> str | None:
    """Return the split that the name of a folder means, None if it means none."""
    low = re.sub(r'[^a-z]', '', name.lower())
    return next((split for split, words in _SPLITS.items() if low in words), None)


def common_folder(names: Iterable[str]) -> str:
    """Return the folder that holds all files, ``.`` for the root."""
    folders = [PurePosixPath(name).parent.as_posix() for name in names]
    return os.path.commonpath(folders) or '.' if folders else '.'
