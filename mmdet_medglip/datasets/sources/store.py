"""The store as a source: selection by index columns, records read on access."""

from functools import cached_property

import numpy as np
import pyarrow as pa

from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

from .base import InstanceTable, RecordSource

__all__ = ['StoreSource']


class StoreSource(RecordSource):
    """Serve the records of a :class:`GroundingStore`.

    What can be told from ``store.json`` is; an index column is mapped only while it is copied
    into an array.

    Args:
        store: The opened store.
    """

    def __init__(self, store: GroundingStore) -> None:
        self.store = store
        self.origin = f'Store {store.root}'
        self.image_root = store.root

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> Record:
        return self.store[index]

    def check_same(self) -> None:
        """Check that records and images are still of one store.

        Raises:
            ValueError: Another store took its place.
        """
        self.store.check_same()

    @property
    def declared_labels(self) -> tuple[str, ...]:
        """Label ids that occur in the store, in any split."""
        return self.store.labels

    @cached_property
    def label_usage(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """``(modality, source)`` to the label ids that occur there."""
        return {
            (modality, source['name']): tuple(counts)
            for source in self.store.sources
            for modality, counts in source['labels'].items()
            if counts
        }

    def column(self, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the codes and values of ``modality``, ``split`` or ``source``."""
        names: dict[str, int] = {}
        codes = [_codes(chunk, names) for chunk in self.store.chunks(name)]
        return np.concatenate([*codes, np.empty(0, np.int16)]), tuple(names)

    def instance_table(self) -> InstanceTable:
        """Gather the labels and masks of all instances from the index columns."""
        names: dict[str, int] = {}
        codes, lengths = [np.empty(0, np.int16)], [np.zeros(1, np.int64)]
        for chunk in self.store.chunks('labels'):
            codes.append(_codes(chunk.flatten(), names))
            lengths.append(chunk.value_lengths().to_numpy(zero_copy_only=False))
        masks = [
            chunk.flatten().to_numpy(zero_copy_only=False)
            for chunk in self.store.chunks('has_mask')
        ]
        return InstanceTable(
            tuple(names),
            np.concatenate(codes),
            np.concatenate([*masks, np.empty(0, bool)]),
            np.cumsum(np.concatenate(lengths), dtype=np.int64),
        )


def _codes(chunk: pa.DictionaryArray, names: dict[str, int]) -> np.ndarray:
    """Number the values of a chunk as ``names`` does, which learns new ones; -1 for null."""
    known = [names.setdefault(value, len(names)) for value in chunk.dictionary.to_pylist()]
    indices = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.array([*known, -1], dtype=np.int16)[indices]
