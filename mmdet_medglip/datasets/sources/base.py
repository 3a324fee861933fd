"""What the data set needs to know of the place its records come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array, csr_array

from mmdet_medglip.structures import Record

__all__ = ['InstanceTable', 'RecordSource']


class InstanceTable(NamedTuple):
    """Labels and masks of all instances of a source, as flat arrays in record order.

    Attributes:
        names: Label ids that occur.
        codes: int16 ``(N,)``, index into ``names``, -1 for an instance without label.
        has_mask: bool ``(N,)``.
        offsets: int64 ``(records + 1,)``; record ``i`` owns ``offsets[i]:offsets[i + 1]``.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    has_mask: np.ndarray
    offsets: np.ndarray

    def rows(self) -> np.ndarray:
        """Return the record of each instance, int64 ``(N,)``."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


class RecordSource(ABC):
    """Records in a fixed order, read one by one when asked.

    To add a kind of annotation file, implement the five abstract members and name its suffix in
    ``open_source``. Nothing per record may be kept as Python objects: columns are numpy arrays,
    and a record is parsed on access. A source must be picklable, for data loader workers.

    Attributes:
        origin: File or folder, for messages.
        image_root: Folder that ``Record.image_path`` is relative to.
    """

    origin: str
    image_root: Path

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of records."""

    @abstractmethod
    def __getitem__(self, index: int) -> Record:
        """Read one record, ``0 <= index < len(self)``."""

    @abstractmethod
    def column(self, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return a text column of all records.

        Args:
            name: ``'modality'``, ``'split'`` or ``'source'``.

        Returns:
            Integer codes ``(len(self),)`` and the values they index, -1 for no value.
        """

    @abstractmethod
    def instance_table(self) -> InstanceTable:
        """Return labels and masks of all instances; may be computed on each call."""

    @property
    @abstractmethod
    def declared_labels(self) -> tuple[str, ...]:
        """Label ids that the source says it annotates; may exceed those that occur."""

    def check_same(self) -> None:  # noqa: B027 - files of annotations cannot tell
        """Check that what was opened is still there; a source that cannot tell does nothing.

        Raises:
            ValueError: It was replaced, so that images may be of other records.
        """

    def counts(self, name: str) -> dict[str, int]:
        """Return how many records hold each value of a text column."""
        codes, values = self.column(name)
        numbers = np.bincount(codes[codes >= 0], minlength=len(values)).tolist()
        return {value: number for value, number in zip(values, numbers, strict=True) if number}

    def indices(self, name: str, wanted: Iterable[str]) -> np.ndarray:
        """Return a mask, bool ``(len(self),)``, of the records whose column is in ``wanted``."""
        codes, values = self.column(name)
        wanted = set(wanted)
        hit = np.array([value in wanted for value in values] + [False], dtype=bool)
        return hit[codes]

    @cached_property
    def label_usage(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """``(modality, source)`` to the label ids that occur there."""
        table = self.instance_table()
        modality, modalities = self.column('modality')
        source, sources = self.column('source')
        group = (modality.astype(np.int64) * len(sources) + source)[table.rows()]
        pairs = np.unique((group * len(table.names) + table.codes)[table.codes >= 0])
        usage: dict[tuple[str, str], list[str]] = {}
        for pair in pairs.tolist():
            key, label = divmod(pair, len(table.names))
            where = (modalities[key // len(sources)], sources[key % len(sources)])
            usage.setdefault(where, []).append(table.names[label])
        return {where: tuple(labels) for where, labels in usage.items()}

    def count_instances(self, labels: Iterable[str] | None) -> np.ndarray:
        """Count the instances of each record.

        Args:
            labels: Label ids to count, instances without label included; None counts all.

        Returns:
            int64 ``(len(self),)``.
        """
        return self._count(labels, missing_mask=False)

    def count_labels(self, labels: Sequence[str]) -> csr_array:
        """Count the instances of each label in each record.

        Args:
            labels: Distinct label ids, in the order of the columns.

        Returns:
            int64 ``(len(self), len(labels))``, sparse.
        """
        table = self.instance_table()
        column = {label: number for number, label in enumerate(labels)}
        code = np.array([column.get(name, -1) for name in table.names] + [-1], dtype=np.int64)
        columns = code[table.codes]
        keep = columns >= 0
        ones = np.ones(int(keep.sum()), dtype=np.int64)
        where = (table.rows()[keep], columns[keep])
        return coo_array((ones, where), shape=(len(self), len(labels))).tocsr()

    def count_without_mask(self, labels: Iterable[str] | None) -> np.ndarray:
        """Count the instances of each record that have no mask; see ``count_instances``."""
        return self._count(labels, missing_mask=True)

    def _count(self, labels: Iterable[str] | None, missing_mask: bool) -> np.ndarray:
        table = self.instance_table()
        keep = ~table.has_mask if missing_mask else np.ones(len(table.codes), dtype=bool)
        if labels is not None:
            wanted = set(labels)
            hit = np.array([name in wanted for name in table.names] + [True], dtype=bool)
            keep &= hit[table.codes]
        return np.bincount(table.rows()[keep], minlength=len(self))
