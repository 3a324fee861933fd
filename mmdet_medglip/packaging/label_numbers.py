"""What a model was trained on, in numbers: labels, modalities, licences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore

__all__ = ['LabelCount', 'TrainingNumbers', 'count_training']


@dataclass(frozen=True)
class LabelCount:
    """How often a label was there in training.

    Attributes:
        name: What people call it.
        images: Images that show it.
        regions: Its boxes.
        patients: Patients who have it.
    """

    name: str
    images: int
    regions: int
    patients: int


@dataclass(frozen=True)
class TrainingNumbers:
    """The images a model was trained on.

    Attributes:
        split: The part of the data.
        images: Number of images.
        patients: Number of patients.
        modalities: Images of each modality.
        licences: Images under each licence, as the sources state it.
        labels: Numbers of each label id.
    """

    split: str
    images: int
    patients: int
    modalities: dict[str, int]
    licences: dict[str, int]
    labels: dict[str, LabelCount]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def count_training(
    root: str | Path,
    *,
    split: str = 'train',
    modalities: Collection[str] | None = None,
    ontology: Ontology | None = None,
) -> TrainingNumbers:
    """Count the records of a store, with the memory of its patients' ids.

    Args:
        root: Folder of the store.
        split: The part that was trained on.
        modalities: Modalities that were trained on; None for all.
        ontology: Names of labels; the packaged one if None.

    Returns:
        The numbers; labels in alphabetical order.

    Raises:
        FileNotFoundError: There is no store.
        ValueError: It is damaged.
    """
    ontology = ontology or Ontology.default()
    store = GroundingStore(root)
    by_modality: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    images: Counter[str] = Counter()
    regions: Counter[str] = Counter()
    patients: dict[str, set[str]] = defaultdict(set)
    everybody: set[str] = set()
    for index in store.indices(split=split).tolist():
        record = store[index]
        if modalities is not None and record.modality not in modalities:
            continue
        by_modality[record.modality] += 1
        licences[record.licence or 'not stated'] += 1
        patient = f'{record.source}/{record.patient_id}'
        everybody.add(patient)
        labels = [one.label for one in record.instances if one.label is not None]
        regions.update(labels)
        for label in set(labels):
            images[label] += 1
            patients[label].add(patient)
    counts = {
        label: LabelCount(
            ontology.display_name(label) if label in ontology.labels else label,
            images[label],
            regions[label],
            len(patients[label]),
        )
        for label in sorted(regions)
    }
    return TrainingNumbers(
        split,
        by_modality.total(),
        len(everybody),
        dict(sorted(by_modality.items())),
        dict(sorted(licences.items())),
        counts,
    )
