"""A file of JSON lines that grows batch by batch and survives being killed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

__all__ = ['LineLog', 'check_fields', 'read_log']

_MAX_BYTES = 4 << 30


class LineLog:
    """Append JSON objects to a file, one a line, and wait for the disk after each batch.

    Used as a context manager. Opening reads what is there; a last line that was torn when a run was
    killed is cut off. Only one program has a log open at a time.

    Args:
        path: The file; it and its folder are made if they are not there.

    Raises:
        BlockingIOError: Another program has it open.
        ValueError: It is too large, or a line that is not the last is no JSON object.
        OSError: It cannot be opened.

    Example:
        >>> with LineLog('answers.jsonl') as log:  # doctest: +SKIP
        ...     log.append([{'question_id': '1', 'answer': 'no'}])
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.suffix != '.jsonl':
            raise ValueError(f'{path} is written line by line: give it a name that ends in .jsonl.')
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self.path.open('a+b')
        try:
            self._lock()
            self.rows, self._ends = _read(self._file, self.path)
            size = os.fstat(self._file.fileno()).st_size
            if self._end() == size + 1:
                self._file.write(b'\n')
                self._file.flush()
            elif self._end() != size:
                self._cut()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> LineLog:
        """Return the log."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file, which lets go of the lock."""
        self._file.close()

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.rows)

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write lines and wait until they are on the disk.

        Raises:
            OSError: The disk is full or fails; what was written is cut off when the log is opened
                again.
        """
        lines = [json.dumps(row, ensure_ascii=False).encode() + b'\n' for row in rows]
        self._file.write(b''.join(lines))
        self._file.flush()
        os.fsync(self._file.fileno())
        for row, line in zip(rows, lines, strict=True):
            self.rows.append(dict(row))
            self._ends.append(self._end() + len(line))

    def keep(self, count: int) -> None:
        """Keep the first lines and cut off the others."""
        if count < len(self.rows):
            del self.rows[count:], self._ends[count:]
            self._cut()

    def _end(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _cut(self) -> None:
        self._file.truncate(self._end())
        os.fsync(self._file.fileno())

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(
                f'{self.path} is being written by another program: wait for it, or choose another '
                'file.'
            ) from None


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """Read the lines of a log without opening it for writing; a torn last line is left out.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is too large, or a line that is not the last is no JSON object.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'There is no file {path}.')
    with path.open('rb') as file:
        return _read(file, path)[0]


def check_fields(row: Mapping[str, Any], kind: type, where: str, tool: str) -> None:
    """Make sure that a line has the fields of a dataclass, those with a default on request.

    Args:
        row: Object of the line.
        kind: The dataclass.
        where: File and line, for messages.
        tool: Program that writes such lines, for messages.

    Raises:
        ValueError: A field is missing or unknown.
    """
    known = {field.name for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    missing, unknown = sorted(needed - set(row)), sorted(set(row) - known)
    if missing or unknown:
        what = f'lacks {missing[0]!r}' if missing else f'has the unknown field {unknown[0]!r}'
        raise ValueError(f'{where} {what}; is it a file of {tool}?')


def _read(file: IO[bytes], path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """Objects of the whole lines, and where each line ends, with its newline.

    A last line is torn, and left out, if it begins as an object does and is cut off, or is zeros.
    """
    if os.fstat(file.fileno()).st_size > _MAX_BYTES:
        raise ValueError(f'{path} has over {_MAX_BYTES >> 30} GiB; is it a file of answers?')
    file.seek(0)
    rows: list[dict[str, Any]] = []
    ends: list[int] = []
    bad, position = '', 0
    for number, line in enumerate(file, start=1):
        if bad:
            raise ValueError(f'{path}: {bad}; correct the file or remove it.')
        position += len(line)
        whole = line.endswith(b'\n')
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
            ends.append(position if whole else position + 1)
            continue
        bad = f'line {number} is no JSON object'
        zeros = not line.strip(b'\0\n')
        if not zeros and (whole or not line.startswith(b'{')):
            break
    else:
        return rows, ends
    raise ValueError(f'{path}: {bad}; correct the file or remove it.')
