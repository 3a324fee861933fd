"""Checkpoint files of a work folder: which are whole, and which of them is the newest."""

from __future__ import annotations

import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.logging import print_log

__all__ = ['FoundCheckpoint', 'checkpoint_fault', 'newest_whole']

_NUMBERED = re.compile(r'(epoch|iter)_(\d+)\.pth')
_POINTER = 'last_checkpoint'
_LEGACY = b'\x80'
_FOLDER = 0x10


@dataclass(frozen=True)
class FoundCheckpoint:
    """What a work folder has.

    Args:
        path: The newest checkpoint that is whole; None if there is none.
        faults: Newer ones that are not, and why.
    """

    path: Path | None
    faults: tuple[tuple[Path, str], ...] = ()


def checkpoint_fault(path: str | Path) -> str | None:
    """Tell what is wrong with the bytes of a checkpoint file; nothing in it is loaded.

    PyTorch's files are ZIP archives with a checksum for each tensor, which PyTorch itself does not
    compare. Here all are.

    Args:
        path: The file.

    Returns:
        A few words; None if the file is whole, or of PyTorch's format before 1.6, which has no
        checksums.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            return 'it is empty'
        with path.open('rb') as file:
            start = file.read(1)
        if start == _LEGACY:
            return None
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            # What PyTorch takes for a folder it does not read, but gives memory as it was found.
            folders = [one.filename for one in archive.infolist() if one.external_attr & _FOLDER]
            damaged = damaged or next(iter(folders), None)
        if damaged is None:
            reader = torch._C.PyTorchFileReader(str(path))  # looks at headers that ZIP does not
            for name in reader.get_all_records():
                reader.get_record(name)
    except FileNotFoundError:
        return 'it does not exist'
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        return f'it cannot be read ({str(error).splitlines()[0][:120]})'
    except zipfile.BadZipFile:
        return 'it is cut off or damaged'
    return None if damaged is None else f'its part {damaged} is damaged'


def newest_whole(folder: str | Path) -> FoundCheckpoint:
    """Find the newest checkpoint of a work folder that is whole; a warning names damaged ones.

    Looked at are what ``last_checkpoint`` names, as MMEngine writes it, and ``epoch_N.pth`` and
    ``iter_N.pth``, the largest number first. One with a larger number than the named one counts if
    it was written later: a kill came between file and name. If it was written before, it is of an
    earlier training of this folder.

    Args:
        folder: Work folder; it need not exist.

    Returns:
        What was found; files are read to their end until one is whole.
    """
    faults: list[tuple[Path, str]] = []
    found = None
    for path in _candidates(Path(folder)):
        fault = checkpoint_fault(path)
        if fault is None:
            found = path
            break
        faults.append((path, fault))
    if faults:
        told = '; '.join(f'{path}: {fault}' for path, fault in faults)
        instead = f'{found} is taken' if found else 'there is no other'
        print_log(
            f'Damaged checkpoints are passed over, {instead}. {told}', 'current', logging.WARNING
        )
    return FoundCheckpoint(found, tuple(faults))


def _candidates(folder: Path) -> Iterator[Path]:
    """Checkpoints of a folder, the newest first."""
    named = _named(folder)
    kind = _NUMBERED.fullmatch(named.name) if named is not None else None
    if named is not None and (kind is None or named.parent != folder):
        yield named
    numbered = [
        (match[1] == (kind[1] if kind else 'epoch'), int(match[2]), path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _NUMBERED.fullmatch(path.name)) and path != named
    ]
    if kind is not None and named is not None and named.parent == folder:
        place, written = (True, int(kind[2])), _written(named)
        numbered = [one for one in numbered if one[:2] < place or _written(one[2]) >= written]
        numbered.append((*place, named))
    yield from (path for *_, path in sorted(numbered, reverse=True))


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # The pointer names it, but it is gone.


def _named(folder: Path) -> Path | None:
    """The file that the pointer names, also if the folder was moved; None without a pointer."""
    pointer = folder / _POINTER
    try:
        name = pointer.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not name or '\0' in name:
        return None
    beside = folder / Path(name).name
    return beside if beside.exists() or not Path(name).exists() else Path(name)
