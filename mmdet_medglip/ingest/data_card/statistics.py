"""Numbers of a store, gathered in one walk over its records.

What is held does not grow with the number of records, except for eleven bytes per record that tell
patients apart.
"""

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mmdet_medglip.structures import SPLITS, Record

from .histogram import LogHistogram

__all__ = ['LabelNumbers', 'PatientNumbers', 'Statistics', 'gather']

MOST_BOXES = 50
"""Images with more boxes are counted together."""


def _area_histogram() -> LogHistogram:
    return LogHistogram(-6, 0)


def _aspect_histogram() -> LogHistogram:
    return LogHistogram(-2, 2)


def _length_histogram() -> LogHistogram:
    return LogHistogram(-1, 3)


@dataclass
class LabelNumbers:
    """Regions of one label.

    Args:
        splits: Regions by split.
        modalities: Regions by modality id.
        sources: Regions by source.
        area: Box area as a share of the image.
    """

    splits: Counter[str] = field(default_factory=Counter)
    modalities: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    area: LogHistogram = field(default_factory=_area_histogram)


@dataclass(frozen=True)
class PatientNumbers:
    """How patients lie in splits and sources.

    Args:
        total: Number of patients.
        by_split: Patients by split.
        by_source: Patients by source.
        in_two_splits: Patients with images in more than one split; should be 0.
    """

    total: int
    by_split: dict[str, int]
    by_source: dict[str, int]
    in_two_splits: int


@dataclass
class Statistics:
    """Numbers of a store; counters are keyed by name, or by pairs ``(name, split)``."""

    records: int = 0
    regions: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    modality_images: Counter[tuple[str, str]] = field(default_factory=Counter)
    modality_regions: Counter[tuple[str, str]] = field(default_factory=Counter)
    modality_negatives: Counter[str] = field(default_factory=Counter)
    source_images: Counter[tuple[str, str]] = field(default_factory=Counter)
    source_regions: Counter[str] = field(default_factory=Counter)
    source_modalities: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    licences: Counter[str] = field(default_factory=Counter)
    source_licences: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)
    labels: dict[str, LabelNumbers] = field(default_factory=lambda: defaultdict(LabelNumbers))
    area: dict[str, LogHistogram] = field(default_factory=lambda: defaultdict(_area_histogram))
    aspect: dict[str, LogHistogram] = field(default_factory=lambda: defaultdict(_aspect_histogram))
    length: dict[str, LogHistogram] = field(default_factory=lambda: defaultdict(_length_histogram))
    boxes_per_image: Counter[int] = field(default_factory=Counter)
    _patients: array = field(default_factory=lambda: array('Q'))
    _splits: array = field(default_factory=lambda: array('B'))
    _source_of: array = field(default_factory=lambda: array('H'))
    _sources: dict[str, int] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count one record."""
        modality, split, source = record.modality, record.split, record.source
        number = len(record.instances)
        self.records += 1
        self.regions += number
        self.modality_images[modality, split] += 1
        self.modality_regions[modality, split] += number
        self.modality_negatives[modality] += not number
        self.source_images[source, split] += 1
        self.source_regions[source] += number
        self.source_modalities[source][modality] += 1
        licence = record.licence or 'not stated'
        self.licences[licence] += 1
        self.source_licences[source][licence] += 1
        self.boxes_per_image[min(number, MOST_BOXES)] += 1
        for flag in record.flags:
            self.flags[flag, split] += 1
        self.totals['with caption'] += record.caption is not None
        self.totals['with spacing'] += record.spacing_mm is not None
        self._add_patient(record)
        for instance in record.instances:
            self._add_box(record, instance.bbox, instance.label)
            self.totals['masks'] += instance.mask is not None
            self.totals['grounded'] += bool(instance.tokens_positive)
            self.totals['crowds'] += instance.is_crowd

    def _add_patient(self, record: Record) -> None:
        name = f'{record.source}\0{record.patient_id}'.encode('utf-8', 'surrogatepass')
        digest = hashlib.blake2b(name, digest_size=8).digest()
        self._patients.append(int.from_bytes(digest, 'big'))
        self._splits.append(SPLITS.index(record.split))
        self._source_of.append(self._sources.setdefault(record.source, len(self._sources)))

    def _add_box(
        self, record: Record, box: tuple[float, float, float, float], label: str | None
    ) -> None:
        width, height = box[2] - box[0], box[3] - box[1]
        share = width * height / (record.width * record.height)
        modality = record.modality
        self.area[modality].add(share)
        self.aspect[modality].add(width / height)
        if record.spacing_mm is not None:
            between_rows, between_columns = record.spacing_mm
            self.length[modality].add(max(height * between_rows, width * between_columns))
        if label is None:
            self.totals['without label'] += 1
            return
        numbers = self.labels[label]
        numbers.splits[record.split] += 1
        numbers.modalities[modality] += 1
        numbers.sources[record.source] += 1
        numbers.area.add(share)

    def patients(self) -> PatientNumbers:
        """Count patients; a patient is a ``patient_id`` of a source."""
        ids = np.frombuffer(self._patients, dtype=np.uint64)
        splits = np.frombuffer(self._splits, dtype=np.uint8)
        sources = np.frombuffer(self._source_of, dtype=np.uint16)
        distinct, first = np.unique(ids, return_index=True)
        in_split = [np.unique(ids[splits == number]) for number in range(len(SPLITS))]
        per_source = np.bincount(sources[first], minlength=len(self._sources)).tolist()
        return PatientNumbers(
            total=len(distinct),
            by_split={name: len(found) for name, found in zip(SPLITS, in_split, strict=True)},
            by_source=dict(zip(self._sources, per_source, strict=True)),
            in_two_splits=int(
                (np.unique(np.concatenate(in_split), return_counts=True)[1] > 1).sum()
            ),
        )

    def images_of(self, split: str) -> int:
        """Count the images of a split."""
        return sum(n for (_, name), n in self.modality_images.items() if name == split)

    def regions_of(self, split: str) -> int:
        """Count the regions of a split."""
        return sum(n for (_, name), n in self.modality_regions.items() if name == split)


def gather(records: Iterable[Record]) -> Statistics:
    """Count records.

    Args:
        records: Walked over once.

    Returns:
        The numbers.
    """
    statistics = Statistics()
    for record in records:
        statistics.add(record)
    return statistics
