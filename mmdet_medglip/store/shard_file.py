"""One shard of a store: index columns by memory map, records by position."""

import os
import struct
from pathlib import Path

import pyarrow as pa

from mmdet_medglip.structures import Record

from .index import DAMAGED
from .layout import SCHEMA, decode_record

__all__ = ['RecordFile', 'read_batch']

_BOUNDS = struct.Struct('<ii')


class RecordFile:
    """Fetch the bytes of single records of a shard, with ``pread`` and without a map.

    A page that is read through a map counts as memory of the process until the system needs it;
    one read by position does not. Processes that share the open file by a fork do not disturb
    each other, because no file position is used.

    Args:
        path: The shard.
        rows: Records it must have.

    Raises:
        ValueError: If the file is not such a shard.
    """

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        self.rows = rows
        whole, batch = _open(path, rows)
        _, bounds, data = batch.column('record').buffers()
        self._bounds = bounds.address - whole.address
        self._data = 0 if data is None else data.address - whole.address
        self._size = 0 if data is None else data.size
        self._handle = os.open(path, os.O_RDONLY)

    def read(self, row: int) -> bytes:
        """Return the bytes of one record.

        Args:
            row: Its row, ``0 <= row < rows``.

        Raises:
            ValueError: If the shard has changed or is damaged.
        """
        try:
            bounds = os.pread(self._handle, 8, self._bounds + 4 * row)
            start, end = _BOUNDS.unpack(bounds)
            if 0 <= start <= end <= self._size:
                data = os.pread(self._handle, end - start, self._data + start)
                if len(data) == end - start:
                    return data
        except (OSError, struct.error) as error:
            raise ValueError(f'Shard {self.path} is not readable ({error}). {DAMAGED}') from error
        raise ValueError(f'Shard {self.path}: row {row} is not where it should be. {DAMAGED}')

    def record(self, row: int) -> Record:
        """Return one record.

        Args:
            row: Its row, ``0 <= row < rows``.

        Raises:
            ValueError: If the shard has changed or is damaged.
        """
        data = self.read(row)
        try:
            return decode_record(data)
        except ValueError as error:
            raise ValueError(f'Shard {self.path}, row {row}: {error}. {DAMAGED}') from error

    def __del__(self) -> None:
        handle = self.__dict__.pop('_handle', None)
        if handle is not None:
            os.close(handle)


def read_batch(path: Path, rows: int) -> pa.RecordBatch:
    """Map a shard; its pages are read when a column is used, and let go with the batch.

    Args:
        path: The shard.
        rows: Records it must have.

    Returns:
        The batch, in the columns of ``SCHEMA``.

    Raises:
        ValueError: If the file is not such a shard.
    """
    return _open(path, rows)[1]


def _open(path: Path, rows: int) -> tuple[pa.Buffer, pa.RecordBatch]:
    try:
        with pa.memory_map(str(path)) as file:
            whole = file.read_buffer()
        batch = pa.ipc.open_file(whole).get_batch(0)
        batch.validate()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f'Shard {path} is not readable ({error}). {DAMAGED}') from error
    if batch.num_rows != rows or not batch.schema.equals(SCHEMA, check_metadata=True):
        raise ValueError(
            f'Shard {path} has {batch.num_rows} rows, or columns other than expected '
            f'({rows} rows). {DAMAGED}'
        )
    return whole, batch
