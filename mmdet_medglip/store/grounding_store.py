"""Read a store: an index by memory map, and records one by one."""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmdet_medglip.structures import SPLITS, Record

from .check import store_faults
from .index import DAMAGED, StoreIndex
from .layout import INDEX_COLUMNS, SCHEMA, SHARDS_DIR
from .shard_file import RecordFile, read_batch

__all__ = ['GroundingStore']

_MAX_OPEN_FILES = 128
_TRIES = 20
_REPLACED = '{} was replaced by another store after it was opened; open it again.'


class GroundingStore:
    """Random access to the records of a store, without holding them.

    Opening reads ``store.json`` and compares file sizes. A record is fetched from its place in a
    shard and becomes Python objects when asked for; nothing of it stays, so memory does not depend
    on the number of records. An open store is a view: sources added to the folder later are not
    in it, and a store that takes the place of the folder is not mixed with it but is an error. A
    pickled store carries its path only; where it is unpickled it gives the same view.

    Args:
        root: Folder of the store.

    Raises:
        FileNotFoundError: If the folder, ``store.json`` or a shard is missing.
        ValueError: If ``store.json`` is damaged or of another version, or a shard has another
            size than when it was written.

    Example:
        >>> store = GroundingStore('data/demo/store')  # doctest: +SKIP
        >>> store[store.indices(split='val', modality='ct')[0]].instances  # doctest: +SKIP
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()
        for _ in range(_TRIES):
            folder = _identity(self.root)
            try:
                self._open(StoreIndex.read(self.root), folder)
                self.check_same()
                return
            except (FileNotFoundError, ValueError):
                # Replaced while it was opened: the new one is as good.
                if _identity(self.root) == folder:
                    raise
        raise ValueError(_REPLACED.format(self.root))

    def check_same(self) -> None:
        """Check that the folder is still the one that was opened.

        Raises:
            ValueError: Another store took its place.
        """
        if _identity(self.root) != self._folder:
            raise ValueError(_REPLACED.format(self.root))

    def _open(self, index: StoreIndex, folder: tuple[int, int]) -> None:
        self._index = index
        self._folder = folder
        self._shards = [shard for source in index.sources for shard in source['shards']]
        self._files = [self.root / SHARDS_DIR / shard['file'] for shard in self._shards]
        self._edges = [0, *accumulate(shard['rows'] for shard in self._shards)]
        self._open_files: dict[int, RecordFile] = {}
        for path, shard in zip(self._files, self._shards, strict=True):
            _check_size(path, shard['bytes'])

    def __len__(self) -> int:
        """Return the number of records."""
        return self._edges[-1]

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
        edges = self._edges
        position = int(index)
        if position < 0:
            position += edges[-1]
        if not 0 <= position < edges[-1]:
            raise IndexError(f'{self.root} has {len(self)} records, got index {index}.')
        shard = bisect_right(edges, position) - 1
        file = self._open_files.get(shard) or self._open_file(shard)
        return file.record(position - edges[shard])

    def __iter__(self) -> Iterator[Record]:
        """Walk over all records in order."""
        return (self[index] for index in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the path, and which of its sources are in the view."""
        return {'root': self.root, 'view': (len(self._index.sources), _digest(self._shards))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the same view again in the process that unpickles."""
        self.root = state['root']
        sources, digest = state['view']
        folder = _identity(self.root)
        self._open(StoreIndex.read(self.root).first(sources), folder)
        if _digest(self._shards) != digest:
            raise ValueError(_REPLACED.format(self.root))

    def __repr__(self) -> str:
        """Say where the store is and how much is in it."""
        return f'{type(self).__name__}({str(self.root)!r}, records={len(self)})'

    @property
    def name(self) -> str:
        """What the store calls itself."""
        return self._index.name

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modality ids present, in the ontology's order."""
        return self._index.modalities

    @property
    def labels(self) -> tuple[str, ...]:
        """Label ids present, in the ontology's order."""
        return tuple(self._index.labels)

    @property
    def display_names(self) -> dict[str, str]:
        """Natural words of each label id present, as when the store was written."""
        return dict(self._index.labels)

    @property
    def label_counts(self) -> dict[str, dict[str, int]]:
        """Regions as ``label_counts[modality][label]``, both in the ontology's order."""
        totals: Counter[tuple[str, str]] = Counter()
        for source in self._index.sources:
            for modality, counts in source['labels'].items():
                totals.update({(modality, label): n for label, n in counts.items()})
        return {
            m: {label: totals[m, label] for label in self.labels if (m, label) in totals}
            for m in self.modalities
        }

    @property
    def labels_of(self) -> dict[str, tuple[str, ...]]:
        """Label ids present in each modality, in the ontology's order."""
        return {modality: tuple(counts) for modality, counts in self.label_counts.items()}

    @property
    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Numbers as ``counts[split][modality] = {'records': n, 'instances': m}``."""
        totals: dict[tuple[str, str], Counter[str]] = {}
        for source in self._index.sources:
            for split, by_modality in source['counts'].items():
                for modality, numbers in by_modality.items():
                    totals.setdefault((split, modality), Counter()).update(numbers)
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for (split, modality), numbers in sorted(totals.items()):
            counts.setdefault(split, {})[modality] = dict(numbers)
        return counts

    @property
    def sources(self) -> tuple[Mapping[str, Any], ...]:
        """What ``store.json`` says of each source, in the order of their records."""
        return self._index.sources

    def image_path(self, record: Record) -> Path:
        """Return the absolute path of a record's image file."""
        return self.root / record.image_path

    def chunks(self, name: str) -> Iterator[pa.Array]:
        """Walk over an index column shard by shard; each is mapped while it is held.

        Args:
            name: ``image_id``, ``patient_id``, ``split``, ``modality``, ``source``, ``labels``,
                ``has_mask`` or ``fingerprint``.

        Returns:
            One array per shard; names that repeat are dictionary-encoded.

        Raises:
            ValueError: If there is no such column, or a shard cannot be read.
        """
        if name not in INDEX_COLUMNS:
            known = ', '.join(INDEX_COLUMNS)
            raise ValueError(
                f'Unknown column {name!r}; known are {known}. For other fields walk over the '
                'records.'
            )
        shards = zip(self._files, self._shards, strict=True)
        return (self._batch(path, shard['rows']).column(name) for path, shard in shards)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return an index column of all records, memory-mapped; see :meth:`chunks`.

        Args:
            name: Name of the column.

        Returns:
            One chunk per shard, ``len(store)`` values.

        Raises:
            ValueError: If there is no such column, or a shard cannot be read.
        """
        return pa.chunked_array(list(self.chunks(name)), type=SCHEMA.field(name).type)

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
                hits = [_equal(chunk, value) for chunk in self.chunks(name)]
                keep &= np.concatenate([*hits, np.empty(0, dtype=bool)])
        return np.flatnonzero(keep).astype(np.int64)

    def verify(self) -> tuple[str, ...]:
        """Read everything, and compare it with what was written.

        Returns:
            One sentence per fault: a shard whose bytes are not those that were written or whose
            records cannot be read, an image id that is taken twice, an image file that is
            missing. Empty for a store that is whole.
        """
        return tuple(store_faults(self.root, self._shards))

    def _batch(self, path: Path, rows: int) -> pa.RecordBatch:
        try:
            return read_batch(path, rows)
        finally:
            self.check_same()

    def _open_file(self, shard: int) -> RecordFile:
        """Open a shard and remember it; the one that was opened first makes room."""
        if len(self._open_files) >= _MAX_OPEN_FILES:
            self._open_files.pop(next(iter(self._open_files)))
        try:
            file = RecordFile(self._files[shard], self._shards[shard]['rows'])
        finally:
            # Of a folder that took the place of this one, files of the same name may be there.
            self.check_same()
        self._open_files[shard] = file
        return file


def _equal(chunk: pa.DictionaryArray, value: str) -> np.ndarray:
    code = pc.index(chunk.dictionary, value).as_py()
    return chunk.indices.to_numpy(zero_copy_only=False) == code


def _digest(shards: list[Mapping[str, Any]]) -> str:
    return hashlib.sha256(''.join(shard['sha256'] for shard in shards).encode()).hexdigest()


def _check_size(path: Path, size: int) -> None:
    if not path.is_file():
        raise FileNotFoundError(f'Shard {path} is missing. {DAMAGED}')
    found = path.stat().st_size
    if found != size:
        raise ValueError(f'Shard {path} has {found} bytes, expected {size}. {DAMAGED}')


def _identity(root: Path) -> tuple[int, int]:
    """What tells a folder from another one of its name; zeros if there is none."""
    try:
        found = root.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino
