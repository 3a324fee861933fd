"""Checks across images: ids taken twice, patients in two splits, copies and near copies."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmdet_medglip.store import GroundingStore

from .quality import FINGERPRINT_BYTES
from .regions import Left
from .similarity import HASH_BYTES, near_pairs

__all__ = ['LEAKAGE', 'ImageTable', 'Verdict', 'judge']

LEAKAGE = ('flag', 'reject')
"""What becomes of an image that nearly equals one of another patient in another split."""

_DIGESTS = slice(HASH_BYTES, None)
_PIXELS = slice(HASH_BYTES, HASH_BYTES + 16)
_LEAST_BITS = 16


@dataclass(frozen=True)
class ImageTable:
    """What the checks know of images, as columns, so that millions fit.

    Args:
        image_id: Ids.
        patient_id: Patients.
        split: Splits.
        fingerprint: uint8 (N, 64): difference hash (32), digest of the pixels (16), digest of
            the annotation (16).
    """

    image_id: pa.ChunkedArray
    patient_id: pa.ChunkedArray
    split: pa.ChunkedArray
    fingerprint: np.ndarray

    @classmethod
    def of(
        cls,
        image_id: Iterable[str],
        patient_id: Iterable[str],
        split: Iterable[str],
        fingerprint: bytes,
    ) -> 'ImageTable':
        """Make a table of plain values; ``fingerprint`` holds one after the other."""
        texts = [pa.chunked_array([list(v)], pa.string()) for v in (image_id, patient_id, split)]
        rows = np.frombuffer(fingerprint, dtype=np.uint8).reshape(-1, FINGERPRINT_BYTES)
        ids, patients, splits = texts
        return cls(ids, patients, splits, rows)

    @classmethod
    def of_store(cls, store: GroundingStore) -> 'ImageTable':
        """Make the table of a store; a fingerprint that is not known is all zeros."""
        blank = bytes(FINGERPRINT_BYTES)
        prints = (p for chunk in store.chunks('fingerprint') for p in chunk.to_pylist())
        rows = b''.join(p if p and len(p) == FINGERPRINT_BYTES else blank for p in prints)
        ids, patients, splits = (store.column(n) for n in ('image_id', 'patient_id', 'split'))
        matrix = np.frombuffer(rows, dtype=np.uint8).reshape(-1, FINGERPRINT_BYTES)
        return cls(_text(ids), _text(patients), _text(splits), matrix)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.fingerprint)

    @property
    def is_known(self) -> np.ndarray:
        """Bool (N,): whether the fingerprint is known."""
        return np.asarray(self.fingerprint.any(axis=1))

    @property
    def pixel_digests(self) -> np.ndarray:
        """(N,) of 16 bytes: equal where size, type and pixels are equal."""
        return np.ascontiguousarray(self.fingerprint[:, _PIXELS]).view('V16').ravel()

    @property
    def hashes(self) -> np.ndarray:
        """uint8 (N, 32): difference hashes, packed."""
        return np.ascontiguousarray(self.fingerprint[:, :HASH_BYTES])

    @property
    def has_structure(self) -> np.ndarray:
        """Bool (N,): whether a hash says something; that of a nearly empty image does not."""
        bits = np.bitwise_count(self.hashes).sum(axis=1)
        return np.asarray((bits >= _LEAST_BITS) & (bits <= 8 * HASH_BYTES - _LEAST_BITS))


@dataclass
class Verdict:
    """What the checks say of an image.

    Args:
        left: Why it is left out; None if it is taken.
        flags: Suspicions.
    """

    left: Left | None = None
    flags: set[str] = field(default_factory=set)


def judge(known: ImageTable, new: ImageTable, leakage: str = 'flag') -> list[Verdict]:
    """Decide about new images, given those that the store has.

    In this order:

    1. An image id that comes twice: all new images of it are left out, since their files are one.
    2. A patient that is in another split of the store: the image is left out.
    3. An exact copy of an earlier image: left out if the annotation is the same too, or if the
       earlier one is in another split; else flagged ``duplicate_image``.
    4. A near copy (at most 7 of 256 bits of the hash differ) of an earlier image of another
       patient: flagged ``near_duplicate``; if that is in another split, left out or flagged
       ``near_duplicate_across_splits``. Hashes with fewer than 16 bits of either kind are of
       nearly empty images and are not compared.

    Args:
        known: Images of the store; they are not judged again.
        new: Images to be added, in their order.
        leakage: One of :data:`LEAKAGE`.

    Returns:
        One verdict for each new image.

    Raises:
        ValueError: If ``leakage`` is unknown.
    """
    if leakage not in LEAKAGE:
        raise ValueError(f"'leakage' must be one of {', '.join(LEAKAGE)}, got {leakage!r}.")
    return _Judge(known, new, leakage).verdicts


class _Judge:
    def __init__(self, known: ImageTable, new: ImageTable, leakage: str) -> None:
        self.first_new = len(known)
        self.ids = _joined(known.image_id, new.image_id)
        self.id_codes = _codes(self.ids)
        patients = _joined(known.patient_id, new.patient_id)
        self.patients = _codes(patients)
        self.split_names = _joined(known.split, new.split)
        self.splits = _codes(self.split_names)
        self.fingerprints = np.concatenate([known.fingerprint, new.fingerprint])
        self.table = ImageTable(self.ids, patients, self.split_names, self.fingerprints)
        self.taken = np.ones(len(self.fingerprints), dtype=bool)
        self.verdicts = [Verdict() for _ in range(len(new))]
        self._ids()
        self._patients()
        self._copies()
        self._near_copies(leakage)

    def _leave(self, row: int, stage: str, reason: str, detail: str) -> None:
        self.taken[row] = False
        self.verdicts[row - self.first_new].left = Left(stage, reason, detail)

    def _ids(self) -> None:
        counts = np.bincount(self.id_codes)
        for row in self._new(counts[self.id_codes] > 1):
            self._leave(row, 'write', 'image id is taken', str(self.ids[row]))

    def _patients(self) -> None:
        split_of = np.full(self.patients.max(initial=-1) + 1, -1)
        split_of[self.patients[: self.first_new]] = self.splits[: self.first_new]
        before = split_of[self.patients]
        for row in self._new((before >= 0) & (before != self.splits)):
            where = self.split_names[int(np.flatnonzero(self.splits == before[row])[0])]
            detail = f'the store has it in {where}, the recipe puts it into {self.split_names[row]}'
            self._leave(row, 'split', 'patient is in another split of the store', detail)

    def _copies(self) -> None:
        rows = np.flatnonzero(self.taken)
        digests = self.table.pixel_digests[rows]
        _, first, which = np.unique(digests, return_index=True, return_inverse=True)
        earlier = rows[first[which]]
        whole = self.fingerprints[:, _DIGESTS]
        for row, other in zip(rows, earlier, strict=True):
            if row < self.first_new or row == other:
                continue
            told = f'copy of {self.ids[other]}'
            if self.splits[row] != self.splits[other]:
                self._leave(row, 'quality', 'image is in another split', told)
            elif np.array_equal(whole[row], whole[other]):
                self._leave(row, 'quality', 'image and annotation are there already', told)
            else:
                self.verdicts[row - self.first_new].flags.add('duplicate_image')

    def _near_copies(self, leakage: str) -> None:
        rows = np.flatnonzero(self.table.has_structure & self.taken)
        first_new = int(np.searchsorted(rows, self.first_new))
        for a, b in near_pairs(self.table.hashes[rows], first_new):
            other, row = rows[a], rows[b]
            if self.patients[row] == self.patients[other] or not self.taken[[row, other]].all():
                continue
            if np.array_equal(self.fingerprints[row, _PIXELS], self.fingerprints[other, _PIXELS]):
                continue
            flags = self.verdicts[row - self.first_new].flags
            if self.splits[row] == self.splits[other]:
                flags.add('near_duplicate')
            elif leakage == 'flag':
                flags.add('near_duplicate_across_splits')
            else:
                told_of = f'near copy of {self.ids[other]}'
                self._leave(row, 'quality', 'near copy is in another split', told_of)

    def _new(self, chosen: np.ndarray) -> list[int]:
        rows = np.flatnonzero(chosen & self.taken)
        return [int(row) for row in rows if row >= self.first_new]


def _joined(known: pa.ChunkedArray, new: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([*_text(known).chunks, *_text(new).chunks], pa.string())


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([c.cast(pa.string()) for c in column.chunks], pa.string())


def _codes(texts: pa.ChunkedArray) -> np.ndarray:
    encoded = pc.dictionary_encode(texts.combine_chunks())
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
