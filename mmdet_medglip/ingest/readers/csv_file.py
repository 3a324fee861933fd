"""Tables in csv files: read row by row, and again at any row."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ..annotation_files import decode_text
from .base import RecipeError

__all__ = ['Column', 'CsvTable', 'cell']

Column = str | int
"""A column by its name in the header, or by its place from 0."""

_MAX_LINE = 4_000_000
_MAX_BYTES = 16_000_000_000


class CsvTable:
    """A csv file that is never loaded as a whole.

    Rows are known by the position of their first byte. A row may have fewer cells than the
    header, which read as empty, or more, which are left out.

    Args:
        path: The file.
        delimiter: One character between cells.
        encoding: Its encoding; a byte order mark is left out.
        header: Whether the first row names the columns.

    Raises:
        FileNotFoundError: If there is no such file.
        RecipeError: If it is empty or too large.
        ValueError: If the header is not of the encoding.
    """

    def __init__(
        self, path: Path, *, delimiter: str = ',', encoding: str = 'utf-8', header: bool = True
    ) -> None:
        if not path.is_file():
            raise FileNotFoundError(f'Table {path} does not exist.')
        if path.stat().st_size > _MAX_BYTES:
            raise RecipeError(f'{path} has over {_MAX_BYTES} bytes; split it.')
        self.path = path
        self._delimiter = delimiter
        self._encoding = encoding
        self._names: list[str] = []
        self._first = 0
        if header:
            for start, cells in self._read(0):
                if self._names:
                    self._first = start
                    break
                self._names = [cell.strip() for cell in cells]
                self._first = path.stat().st_size
            if not self._names:
                raise RecipeError(f'{path} is empty: expected a header.')

    def place(self, column: Column) -> int:
        """Return the place of a column, from 0.

        Raises:
            RecipeError: If the header does not name it, or names it twice.
        """
        if isinstance(column, int) or (column not in self._names and column.isdecimal()):
            return int(column)
        if self._names.count(column) != 1:
            found = 'twice' if column in self._names else 'not'
            raise RecipeError(
                f'{self.path} has the column {column!r} {found}; its columns are '
                f'{", ".join(self._names)[:400] or "without names"}.'
            )
        return self._names.index(column)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the position in bytes and the cells of each row that is not blank.

        Raises:
            ValueError: If a row is not of the encoding (names the byte) or not csv.
        """
        return self._read(self._first)

    def row(self, start: int) -> list[str]:
        """Return the cells of the row at a position in bytes."""
        for _, cells in self._read(start):
            return cells
        raise ValueError(f'{self.path} has no row at byte {start}; it has changed.')

    def _read(self, start: int) -> Iterator[tuple[int, list[str]]]:
        position = _Position(start)
        with self.path.open('rb') as file:
            file.seek(start)
            cells = csv.reader(self._lines(file, position), delimiter=self._delimiter, strict=True)
            while True:
                begin = position.value
                try:
                    row = next(cells)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise ValueError(
                        f'{self.path} is not csv at byte {begin} ({error}); correct the row.'
                    ) from None
                if any(cell.strip() for cell in row):
                    yield begin, row

    def _lines(self, file: BinaryIO, position: '_Position') -> Iterator[str]:
        while line := file.readline(_MAX_LINE):
            if len(line) == _MAX_LINE:
                raise ValueError(
                    f'{self.path} has a line of over {_MAX_LINE} bytes at byte {position.value}.'
                )
            text = decode_text(line, self.path, position.value, self._encoding)
            position.value += len(line)
            yield text


class _Position:
    """Where the next line begins, in bytes."""

    def __init__(self, value: int) -> None:
        self.value = value


def cell(row: Sequence[str], place: int | None) -> str:
    """Return a cell without blanks around it; empty if the row is too short."""
    return row[place].strip() if place is not None and place < len(row) else ''
