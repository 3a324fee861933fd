"""Read a store by memory map."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmdet_medglip.structures import SPLITS, Record
from mmdet_medglip.structures.storage import (
    SCHEMA,
    SHARDS_DIR,
    STORE_FILE,
    STORE_FORMAT,
    STORE_VERSION,
    record_from_row,
)

__all__ = ['GroundingStore']

_HOW_TO_MAKE = 'Make one with tools/ingest.py (own data) or tools/make_demo_data.py (phantoms).'
_INFO_KEYS = ('name', 'num_records', 'modalities', 'labels', 'label_counts', 'counts', 'shards')
_DAMAGED = 'The store was copied or written incompletely: copy or ingest it again.'


class GroundingStore:
    """Random access to the records of a store, without holding them.

    Opening reads ``store.json`` and compares file sizes; a shard is mapped when first used, and a
    record becomes Python objects when asked for. Memory therefore does not depend on the number
    of records. A pickled store carries its path only and maps again where it is unpickled, so
    each worker has its own maps of the same pages.

    Args:
        root: Folder of the store.

    Raises:
        FileNotFoundError: If the folder, ``store.json`` or a shard is missing.
        ValueError: If ``store.json`` is damaged or newer than this package, or a shard has
            another size than when it was written.

    Example:
        >>> store = GroundingStore('data/demo/store')  # doctest: +SKIP
        >>> store[store.indices(split='val', modality='ct')[0]].instances  # doctest: +SKIP
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()
        self._open()

    def _open(self) -> None:
        self._info = _read_info(self.root)
        shards = self._info['shards']
        self._files = [self.root / SHARDS_DIR / shard['file'] for shard in shards]
        self._edges = np.cumsum([0, *(shard['rows'] for shard in shards)], dtype=np.int64)
        self._batches: dict[int, pa.RecordBatch] = {}
        for path, shard in zip(self._files, shards, strict=True):
            _check_shard(path, shard['bytes'])
        if len(self) != self._info['num_records']:
            raise ValueError(
                f"{self.root / STORE_FILE}: 'num_records' is {self._info['num_records']} but the "
                f'shards hold {len(self)} rows. {_DAMAGED}'
            )

    def __len__(self) -> int:
        """Return the number of records."""
        return int(self._edges[-1])

    def __getitem__(self, index: int) -> Record:
        """Return one record.

        Args:
            index: Position in [-len, len).

        Returns:
            The record; its ``image_path`` is relative to the store, see :meth:`image_path`.

        Raises:
            IndexError: If the index is out of range.
            ValueError: If the shard cannot be read.
        """
        position = int(index)
        position += len(self) if position < 0 else 0
        if not 0 <= position < len(self):
            raise IndexError(f'{self.root} has {len(self)} records, got index {index}.')
        shard = int(np.searchsorted(self._edges, position, side='right')) - 1
        row = self._batch(shard).slice(position - int(self._edges[shard]), 1).to_pylist()[0]
        return record_from_row(row)

    def __iter__(self) -> Iterator[Record]:
        """Walk over all records in order."""
        return (self[index] for index in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the path only."""
        return {'root': self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open again in the process that unpickles."""
        self.root = state['root']
        self._open()

    def __repr__(self) -> str:
        """Say where the store is and how much is in it."""
        return f'{type(self).__name__}({str(self.root)!r}, records={len(self)})'

    @property
    def name(self) -> str:
        """What the store calls itself."""
        return self._info['name']

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modality ids present, in the ontology's order."""
        return tuple(self._info['modalities'])

    @property
    def labels(self) -> tuple[str, ...]:
        """Label ids present, in the ontology's order."""
        return tuple(self._info['labels'])

    @property
    def display_names(self) -> dict[str, str]:
        """Natural words of each label id present, as when the store was written."""
        return dict(self._info['labels'])

    @property
    def labels_of(self) -> dict[str, tuple[str, ...]]:
        """Label ids present in each modality, in the ontology's order."""
        return {m: tuple(counts) for m, counts in self._info['label_counts'].items()}

    @property
    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Numbers as ``counts[split][modality] = {'records': n, 'instances': m}``."""
        return {
            split: {modality: dict(numbers) for modality, numbers in by_modality.items()}
            for split, by_modality in self._info['counts'].items()
        }

    def image_path(self, record: Record) -> Path:
        """Return the absolute path of a record's image file."""
        return self.root / record.image_path

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column of all records, still memory-mapped.

        Args:
            name: Field of a record.

        Returns:
            One chunk per shard, ``len(store)`` values.

        Raises:
            ValueError: If there is no such column.
        """
        if name not in SCHEMA.names:
            raise ValueError(f'Unknown column {name!r}; known are {", ".join(SCHEMA.names)}.')
        chunks = [self._batch(shard).column(name) for shard in range(len(self._files))]
        return pa.chunked_array(chunks, type=SCHEMA.field(name).type)

    def indices(self, split: str | None = None, modality: str | None = None) -> np.ndarray:
        """Select records.

        Args:
            split: Keep this split only; None keeps all.
            modality: Keep this modality id only; None keeps all.

        Returns:
            Positions in increasing order, int64, possibly empty.

        Raises:
            ValueError: If the split does not exist or the store has no such modality.
        """
        if split is not None and split not in SPLITS:
            raise ValueError(f'Unknown split {split!r}; known are {", ".join(SPLITS)}.')
        if modality is not None and modality not in self.modalities:
            known = ', '.join(self.modalities) or 'none'
            raise ValueError(f'{self.root} has no modality {modality!r}; it has {known}.')
        keep = np.ones(len(self), dtype=bool)
        for name, value in (('split', split), ('modality', modality)):
            if value is not None:
                keep &= pc.equal(self.column(name), value).to_numpy()
        return np.flatnonzero(keep).astype(np.int64)

    def _batch(self, shard: int) -> pa.RecordBatch:
        batch = self._batches.get(shard)
        if batch is None:
            path = self._files[shard]
            try:
                file = pa.ipc.open_file(pa.memory_map(str(path)))
                batch = file.get_batch(0)
                batch.validate()
            except (pa.ArrowInvalid, OSError) as error:
                raise ValueError(f'Shard {path} is not readable ({error}). {_DAMAGED}') from error
            rows = int(self._edges[shard + 1] - self._edges[shard])
            if batch.schema != SCHEMA or batch.num_rows != rows:
                raise ValueError(
                    f'Shard {path} has {batch.num_rows} rows, or columns other than expected '
                    f'({rows} rows). {_DAMAGED}'
                )
            self._batches[shard] = batch
        return batch


def _read_info(root: Path) -> Mapping[str, Any]:
    if not root.is_dir():
        raise FileNotFoundError(f'Store folder {root} does not exist. {_HOW_TO_MAKE}')
    path = root / STORE_FILE
    if not path.is_file():
        raise FileNotFoundError(f'{root} is not a store: it has no {STORE_FILE}. {_HOW_TO_MAKE}')
    try:
        info = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} is not valid JSON ({error}). {_DAMAGED}') from error
    if not isinstance(info, dict) or info.get('format') != STORE_FORMAT:
        raise ValueError(f"{path}: 'format' must be {STORE_FORMAT!r}. {_HOW_TO_MAKE}")
    if info.get('version') != STORE_VERSION:
        raise ValueError(
            f'{path} has version {info.get("version")!r}, this package reads {STORE_VERSION}; '
            'update mmdet_medglip, or ingest the data again with this version.'
        )
    missing = [key for key in _INFO_KEYS if key not in info]
    if missing:
        raise ValueError(f'{path} lacks {missing[0]!r}. {_DAMAGED}')
    return info


def _check_shard(path: Path, size: int) -> None:
    if not path.is_file():
        raise FileNotFoundError(f'Shard {path} is missing. {_DAMAGED}')
    found = path.stat().st_size
    if found != size:
        raise ValueError(f'Shard {path} has {found} bytes, expected {size}. {_DAMAGED}')
