"""Which rows of which tables belong to which image."""

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from ..source import SourceItem
from .listing import image_name

__all__ = ['RowIndex', 'TableItems']


class RowIndex:
    """Positions of rows by image, collected in the order of the tables.

    Each row costs 16 bytes, each image its name.
    """

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._count = 0
        self._rows = (array('i'), array('i'), array('q'))

    def add(self, path: str, table: int, start: int) -> None:
        """Add the row at a position in bytes of a table to an image file."""
        code = self.codes.setdefault(path, self._count)
        self._count += code == self._count
        for column, value in zip(self._rows, (code, table, start), strict=True):
            column.append(value)

    def remove(self, path: str) -> None:
        """Remove an image and its rows, if there are any."""
        self.codes.pop(path, None)

    def sorted(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Sort by image, and the rows of an image as they were added.

        Returns:
            Image files, sorted; int64 (images + 1,), where the rows of each begin; int64 (rows, 2)
            of table and position.
        """
        paths = sorted(self.codes)
        rank = np.full(self._count, -1, dtype=np.int64)
        rank[[self.codes[path] for path in paths]] = np.arange(len(paths))
        of_row = rank[np.frombuffer(self._rows[0], dtype=np.int32)]
        order = np.argsort(of_row, kind='stable')
        bounds = np.searchsorted(of_row[order], np.arange(len(paths) + 1))
        tables = np.frombuffer(self._rows[1], dtype=np.int32)[order]
        starts = np.frombuffer(self._rows[2], dtype=np.int64)[order]
        return paths, bounds, np.stack([tables.astype(np.int64), starts], axis=1)


class TableItems(Sequence[SourceItem]):
    """The images of tables; an item is made when it is asked for.

    Args:
        index: Rows of the images.
        bare: Images without a row.
        tables: Files of the tables, relative to the data set.
    """

    def __init__(self, index: RowIndex, bare: Sequence[str], tables: Sequence[str]) -> None:
        paths, bounds, self._rows = index.sorted()
        last = np.full(len(bare), len(self._rows), dtype=np.int64)
        self._paths = [*paths, *bare]
        self._bounds = np.concatenate([bounds, last]).astype(np.int64)
        self._tables = tuple(tables)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[SourceItem]:
        return (self._item(index) for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> SourceItem: ...

    @overload
    def __getitem__(self, index: slice) -> list[SourceItem]: ...

    def __getitem__(self, index: int | slice) -> SourceItem | list[SourceItem]:
        """Make one item, or those of a slice."""
        if isinstance(index, slice):
            return [self._item(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f'index {index} is out of range for {len(self)} items')
        return self._item(index % len(self))

    def _item(self, index: int) -> SourceItem:
        path = self._paths[index]
        rows = self._rows[self._bounds[index] : self._bounds[index + 1]].tolist()
        tables = sorted({self._tables[table] for table, _ in rows})
        payload = {
            'name': image_name(path),
            'rows': [[self._tables[table], start] for table, start in rows],
        }
        return SourceItem(path, (path, *tables), payload)
