"""What the test images have in common with the images that models were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mmdet_medglip.ingest.copies import ImageTable
from mmdet_medglip.ingest.similarity import near_pairs

__all__ = ['ImagePair', 'Leakage', 'find_leakage']

_SPLITS = ('train', 'val')


@dataclass(frozen=True)
class ImagePair:
    """A test image and an image for training or validation.

    Attributes:
        test: Id of the test image.
        other: Id of the other image.
        where: Store and split of the other one.
    """

    test: str
    other: str
    where: str


@dataclass(frozen=True)
class Leakage:
    """What was compared and what was found.

    Attributes:
        test_images: Number of test images.
        other_images: Number of images for training and validation, over all stores.
        test_patients: Number of patients of the test images.
        patients: Patients of test images who are in training or validation too, sorted.
        copies: Pairs of equal pixels.
        near_copies: Pairs of other patients that differ in at most 7 of 256 bits of a hash. They
            can be copies, or different images that look much alike: look at them.
        unknown: Number of images, of both kinds, of which no fingerprint is known.
    """

    test_images: int
    other_images: int
    test_patients: int
    patients: tuple[str, ...]
    copies: tuple[ImagePair, ...]
    near_copies: tuple[ImagePair, ...]
    unknown: int

    @property
    def found(self) -> bool:
        """Whether test figures cannot be trusted: a patient or an image is on both sides."""
        return bool(self.patients or self.copies)


def find_leakage(test_on: str, tables: Mapping[str, ImageTable]) -> Leakage:
    """Compare the test split of a store with the training and validation splits of stores.

    Patients are compared within the store of the test images, since other stores name theirs as
    they like; images are compared with those of all stores.

    Args:
        test_on: Name of the store whose test split is measured.
        tables: Images of stores by name: that one and those that models are trained on.

    Returns:
        What was found.
    """
    parts = [
        (name, split, table, np.flatnonzero(np.asarray(table.split) == split))
        for name, table in tables.items()
        for split in _SPLITS
    ]
    tested = tables[test_on]
    rows = np.flatnonzero(np.asarray(tested.split) == 'test')
    patients = set(_texts(tested.patient_id, rows))
    shared = {
        patient
        for name, _, table, others in parts
        if name == test_on
        for patient in _texts(table.patient_id, others)
        if patient in patients
    }
    copies: list[ImagePair] = []
    near: list[ImagePair] = []
    unknown = _unknown(tested, rows)
    for name, split, table, others in parts:
        unknown += _unknown(table, others)
        skip = shared if name == test_on else set()
        found = _pairs(tested, rows, table, others, f'{name}/{split}', skip)
        copies += found[0]
        near += found[1]
    return Leakage(
        test_images=len(rows),
        other_images=sum(len(others) for *_, others in parts),
        test_patients=len(patients),
        patients=tuple(sorted(shared)),
        copies=tuple(copies),
        near_copies=tuple(near),
        unknown=unknown,
    )


def _pairs(
    tested: ImageTable,
    rows: np.ndarray,
    table: ImageTable,
    others: np.ndarray,
    where: str,
    shared: set[str],
) -> tuple[list[ImagePair], list[ImagePair]]:
    """Return pairs of equal and of similar images; similar ones of shared patients are left out."""
    rows, others = rows[tested.is_known[rows]], others[table.is_known[others]]
    digests = np.concatenate([table.pixel_digests[others], tested.pixel_digests[rows]])
    _, groups = np.unique(digests, return_inverse=True)
    first_test = len(others)
    ids = [*_texts(table.image_id, others), *_texts(tested.image_id, rows)]
    patients = [*_texts(table.patient_id, others), *_texts(tested.patient_id, rows)]
    first_of: dict[int, int] = {}
    for place in range(first_test):
        first_of.setdefault(int(groups[place]), place)
    copies = [
        ImagePair(ids[place], ids[first_of[int(groups[place])]], where)
        for place in range(first_test, len(ids))
        if int(groups[place]) in first_of
    ]
    told = np.concatenate([table.has_structure[others], tested.has_structure[rows]])
    places = np.flatnonzero(told)
    hashes = np.concatenate([table.hashes[others], tested.hashes[rows]])[places]
    first_new = int(np.searchsorted(places, first_test))
    near = []
    for a, b in near_pairs(hashes, first_new):
        other, test = int(places[a]), int(places[b])
        across = other < first_test <= test
        if across and groups[other] != groups[test] and patients[test] not in shared:
            near.append(ImagePair(ids[test], ids[other], where))
    return copies, near


def _unknown(table: ImageTable, rows: np.ndarray) -> int:
    return int((~table.is_known[rows]).sum())


def _texts(column: pa.ChunkedArray, rows: np.ndarray) -> list[str]:
    return column.take(pa.array(rows)).to_pylist()
