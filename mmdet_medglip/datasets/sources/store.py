"""The Arrow store as a source: columns stay memory-mapped, records are read on access."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmdet_medglip.datasets.store import GroundingStore
from mmdet_medglip.structures import Record

from .base import InstanceTable, RecordSource

__all__ = ['StoreSource']


class StoreSource(RecordSource):
    """Serve the records of a :class:`GroundingStore`.

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

    @property
    def declared_labels(self) -> tuple[str, ...]:
        """Label ids that occur in the store, in any split."""
        return self.store.labels

    def column(self, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the codes and values of ``modality``, ``split`` or ``source``."""
        return _codes(self.store.column(name))

    def instance_table(self) -> InstanceTable:
        """Gather the labels and masks of all instances from the mapped columns."""
        codes, masks, lengths = [], [], []
        names: dict[str, int] = {}
        for chunk in self.store.column('instances').chunks:
            flat = chunk.flatten()
            chunk_codes, values = _codes(pa.chunked_array([pc.struct_field(flat, 'label')]))
            known = [names.setdefault(value, len(names)) for value in values]
            codes.append(np.array([*known, -1], dtype=np.int16)[chunk_codes])
            masks.append(_is_set(pc.struct_field(flat, 'mask_counts')))
            lengths.append(pc.list_value_length(chunk).to_numpy(zero_copy_only=False))
        return InstanceTable(
            tuple(names),
            np.concatenate([*codes, np.empty(0, np.int16)]),
            np.concatenate([*masks, np.empty(0, bool)]),
            np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths]), dtype=np.int64),
        )


def _is_set(values: pa.Array) -> np.ndarray:
    return values.is_valid().to_numpy(zero_copy_only=False)


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Encode a text column: codes (-1 for null) and the values they index."""
    encoded = column.dictionary_encode().unify_dictionaries()
    if encoded.num_chunks == 0:
        return np.empty(0, dtype=np.int32), ()
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    return np.concatenate(codes).astype(np.int32), tuple(encoded.chunk(0).dictionary.to_pylist())
