"""Work in progress: one file per finished task, so that a killed run continues."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from .rejects import Reject
from .stages import Entry

__all__ = ['Part', 'Workbench']


class Part(msgspec.Struct, frozen=True, array_like=True):
    """What a task gave.

    Args:
        entries: Records, in the order of the items.
        rejects: What was left out.
        names: ``(kind, pseudonym, original)`` of names that were replaced, sorted.
    """

    entries: list[Entry]
    rejects: list[Reject]
    names: list[tuple[str, str, str]]


class Workbench:
    """The unfinished work on one source.

    A part is there whole or not at all. The folder may hold names of the source that the store
    itself must not, so only its owner may read it; it goes when the source is published.

    Args:
        folder: Its folder, below the store.
        state: State of the plan; parts of another state are of no use.
    """

    def __init__(self, folder: Path, state: str) -> None:
        self.folder = folder
        self.state = state

    def open(self) -> bool:
        """Make the folder, without parts of another state.

        Returns:
            Whether work of the same state was there already.
        """
        mark = self.folder / 'state'
        if mark.is_file() and mark.read_text(encoding='ascii') == self.state:
            return True
        self.remove()
        self.folder.mkdir(parents=True, mode=0o700)
        self._write(mark, self.state.encode('ascii'))
        return False

    def path(self, number: int) -> Path:
        """Return the file of a task."""
        return self.folder / f'{number:07d}.part'

    def is_done(self, number: int) -> bool:
        """Whether a task is done."""
        return self.path(number).is_file()

    def save(self, number: int, part: Part) -> None:
        """Note that a task is done."""
        self._write(self.path(number), msgspec.msgpack.encode(part))

    def load(self, number: int) -> Part:
        """Return what a task gave.

        Raises:
            ValueError: If the file is damaged.
        """
        path = self.path(number)
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=Part)
        except msgspec.MsgspecError as error:
            raise ValueError(f'{path} is damaged ({error}); delete it and run again.') from error

    def load_all(self, count: int) -> Iterator[Part]:
        """Return what the tasks ``0`` to ``count - 1`` gave, in order."""
        return (self.load(number) for number in range(count))

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        partial = path.with_name(f'{path.name}.{os.getpid()}.partial')
        partial.write_bytes(data)
        os.replace(partial, path)
