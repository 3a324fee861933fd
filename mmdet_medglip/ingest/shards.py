"""Write the records of one source to shards."""

import os
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import StoreIndex
from mmdet_medglip.store.durable import file_sha256, sync
from mmdet_medglip.store.layout import SCHEMA, SHARDS_DIR, STORE_FILE, encode_record
from mmdet_medglip.structures import Record

from .file_names import safe_name

__all__ = ['MAX_RECORD_BYTES', 'SHARD_ROWS', 'SourceWriter']

SHARD_ROWS = 16384
"""Records per shard: 70 shards for a million images, each a few MB."""

MAX_RECORD_BYTES = 64 << 20
_MAX_SHARD_BYTES = 256 << 20


class SourceWriter:
    """Write the shards of one source below the folder of a store.

    Used as a context manager. Shards go to a partial folder, which :meth:`finish` moves to
    ``shards/<source>``; a block that ends without it leaves nothing. The store has the source
    only when an index that lists it is published, so a folder that no index lists is a left-over
    of a killed run, and is replaced. The same records in the same order give the same bytes.

    Memory is bounded by one shard: it is closed at ``shard_rows`` records or 256 MiB.

    Args:
        root: Folder of the store; made if missing.
        source: Name of the source; records must say the same.
        ontology: Names that records may use; the packaged one if None.
        shard_rows: Records per shard, >= 1.

    Raises:
        ValueError: If ``shard_rows`` is below 1, or the store already has the source.

    Example:
        >>> with SourceWriter('store', 'demo') as writer:  # doctest: +SKIP
        ...     writer.add(record)
        ...     entry = writer.finish()
        >>> StoreIndex.new('mine').with_source(entry).publish('store')  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | Path,
        source: str,
        *,
        ontology: Ontology | None = None,
        shard_rows: int = SHARD_ROWS,
    ) -> None:
        if shard_rows < 1:
            raise ValueError(f"'shard_rows' must be >= 1, got {shard_rows}.")
        self.root = Path(root)
        self.source = source
        self.ontology = ontology or Ontology.default()
        self._shard_rows = shard_rows
        self._folder = safe_name(source)
        self._partial = self.root / SHARDS_DIR / f'.{self._folder}.partial'
        self._rows = _Rows()
        self._shards: list[dict[str, Any]] = []
        self._counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)
        self._check_new()

    def __enter__(self) -> 'SourceWriter':
        """Create the partial folder, empty."""
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the partial folder if the source was not finished."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def add(self, record: Record, fingerprint: bytes = b'') -> None:
        """Add one record.

        Args:
            record: The record, with the ``image_path`` of its stored image.
            fingerprint: Bytes that describe the pixels, to find copies; empty if unknown.

        Raises:
            ValueError: If the record is of another source, names no image, has a name that the
                ontology does not know or a value of a wrong type, or is over 64 MiB.
            OSError: If a shard cannot be written.
        """
        record.validate(self.ontology)
        where = f'Record {record.image_id!r}'
        if record.source != self.source:
            raise ValueError(
                f'{where}: source must be {self.source!r}, got {record.source!r}; '
                'use one SourceWriter for each source.'
            )
        if not record.image_path:
            raise ValueError(f'{where}: image_path is empty; store the image first.')
        data = encode_record(record)
        if len(data) > MAX_RECORD_BYTES:
            raise ValueError(
                f'{where} takes {len(data)} bytes, over the limit of {MAX_RECORD_BYTES}; '
                'leave out its masks.'
            )
        self._rows.add(record, fingerprint, data)
        self._count(record)
        if len(self._rows) == self._shard_rows or self._rows.bytes >= _MAX_SHARD_BYTES:
            self._flush()

    def finish(self) -> dict[str, Any]:
        """Put the shards in their place.

        Returns:
            ``name``, ``shards``, ``counts`` and ``labels``, as ``StoreIndex.with_source`` takes
            them.

        Raises:
            OSError: If a shard cannot be written.
        """
        self._flush()
        sync(self._partial)
        target = self.root / SHARDS_DIR / self._folder
        if target.exists():
            shutil.rmtree(target)
        os.replace(self._partial, target)
        sync(target.parent)
        return {
            'name': self.source,
            'shards': self._shards,
            'counts': self._ordered_counts(),
            'labels': {
                modality: {
                    label: self._labels[modality][label]
                    for label in self.ontology.labels
                    if label in self._labels[modality]
                }
                for modality in self.ontology.modalities
                if modality in self._labels
            },
        }

    def _check_new(self) -> None:
        if not (self.root / STORE_FILE).is_file():
            return
        index = StoreIndex.read(self.root)
        if any(entry['name'] == self.source for entry in index.sources):
            raise ValueError(
                f'{self.root} already has the source {self.source!r}; give the new one another '
                'name, or ingest into a new store.'
            )

    def _count(self, record: Record) -> None:
        counts = self._counts[record.split, record.modality]
        counts['records'] += 1
        counts['instances'] += len(record.instances)
        for instance in record.instances:
            if instance.label is not None:
                self._labels[record.modality][instance.label] += 1

    def _ordered_counts(self) -> dict[str, dict[str, dict[str, int]]]:
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for (split, modality), numbers in sorted(self._counts.items()):
            counts.setdefault(split, {})[modality] = dict(numbers)
        return counts

    def _flush(self) -> None:
        if not len(self._rows):
            return
        path = self._partial / f'{len(self._shards):05d}.arrow'
        batch = self._rows.take()
        with pa.OSFile(str(path), 'wb') as sink, pa.ipc.new_file(sink, SCHEMA) as file:
            file.write_batch(batch)
        sync(path)
        self._shards.append(
            {
                'file': f'{self._folder}/{path.name}',
                'rows': batch.num_rows,
                'bytes': path.stat().st_size,
                'sha256': file_sha256(path),
            }
        )


class _Rows:
    """The rows of the shard that is being filled, column by column."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._columns['record'])

    def add(self, record: Record, fingerprint: bytes, data: bytes) -> None:
        values = {
            'labels': [instance.label for instance in record.instances],
            'has_mask': [instance.mask is not None for instance in record.instances],
            'fingerprint': fingerprint,
            'record': data,
        }
        for name, column in self._columns.items():
            column.append(values[name] if name in values else getattr(record, name))
        self.bytes += len(data)

    def take(self) -> pa.RecordBatch:
        """Return the rows and start anew."""
        arrays = [_array(self._columns[field.name], field.type) for field in SCHEMA]
        for column in self._columns.values():
            column.clear()
        self.bytes = 0
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Build a column; lists of names are encoded by their flat values."""
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    if pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
        lists = pa.array(values, pa.list_(pa.string()))
        flat = lists.values.dictionary_encode().cast(kind.value_type)
        return pa.ListArray.from_arrays(lists.offsets, flat, type=kind)
    return pa.array(values, kind)
