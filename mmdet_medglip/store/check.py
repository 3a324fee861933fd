"""Look for damage in a store."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .durable import file_sha256
from .index import DAMAGED
from .layout import SHARDS_DIR
from .shard_file import RecordFile, read_batch

__all__ = ['store_faults']


def store_faults(root: Path, shards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Compare shards and images with what the index of a store says.

    Args:
        root: Folder of the store.
        shards: ``file``, ``rows`` and ``sha256`` of each shard.

    Yields:
        One sentence per fault.
    """
    ids = []
    for shard in shards:
        path, rows = root / SHARDS_DIR / shard['file'], shard['rows']
        try:
            if file_sha256(path) != shard['sha256']:
                yield f'Shard {path} has other bytes than were written. {DAMAGED}'
                continue
            ids.append(read_batch(path, rows).column('image_id'))
            yield from _missing_images(root, RecordFile(path, rows))
        except (OSError, ValueError) as error:
            yield str(error)
    yield from _repeated(pa.chunked_array(ids, type=pa.string()))


def _missing_images(root: Path, file: RecordFile) -> Iterator[str]:
    for row in range(file.rows):
        record = file.record(row)
        if not (root / record.image_path).is_file():
            yield f'Record {record.image_id!r}: image {record.image_path} is missing.'


def _repeated(ids: pa.ChunkedArray) -> Iterator[str]:
    counts = ids.value_counts()
    taken = counts.filter(pc.greater(counts.field('counts'), 1))
    for entry in taken.to_pylist():
        yield f'Record {entry["values"]!r}: image_id is taken {entry["counts"]} times.'
