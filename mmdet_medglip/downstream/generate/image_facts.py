"""What the truth of a store says of one image, as questions and reports use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Box, Instance, Record

from ..context.places import grid_places
from ..regions import ImageRegions
from .found_object import FoundObject

__all__ = ['ImageFacts', 'annotated_labels', 'facts_of']

_INSIDE = 0.5
"""Share of a finding's box that must lie in an organ's box for it to be the finding's organ."""


@dataclass(frozen=True)
class ImageFacts:
    """What is true of one image.

    Attributes:
        image_id: Of its record.
        patient_id: Likewise.
        source: Likewise.
        split: Likewise.
        modality: Likewise.
        height: Pixels.
        width: Pixels.
        labels: Label ids that its source annotates in this modality: one that has no object is
            absent from the image.
        objects: Objects of each label that is present.
    """

    image_id: str
    patient_id: str
    source: str
    split: str
    modality: str
    height: int
    width: int
    labels: tuple[str, ...]
    objects: Mapping[str, tuple[FoundObject, ...]]

    def has(self, label: str) -> bool:
        """Return whether a label is present."""
        return label in self.objects

    def largest(self, label: str) -> FoundObject:
        """Return the object of a label with the longest side, of equal ones the first.

        Raises:
            KeyError: If the label is absent.
        """
        return max(self.objects[label], key=_length)


def annotated_labels(store: GroundingStore) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the label ids that each source annotates, by (source, modality)."""
    return {
        (source['name'], modality): tuple(counts)
        for source in store.sources
        for modality, counts in source['labels'].items()
    }


def facts_of(
    record: Record, labels: tuple[str, ...], ontology: Ontology | None = None
) -> ImageFacts:
    """Read the facts of a record.

    Regions without a label, with one that the ontology does not have, and crowds say nothing that
    can be counted: they are left out, and so are their labels from what is known of the image.

    Args:
        record: The record.
        labels: Label ids that its source annotates in its modality.
        ontology: Meaning of labels; the packaged one if None.

    Returns:
        The facts.
    """
    ontology = ontology or Ontology.default()
    known = set(ontology.labels)
    vague = {i.label for i in record.instances if i.is_crowd}
    shown = [i for i in record.instances if i.label in known and i.label not in vague]
    organs = [i for i in shown if ontology.side(str(i.label)) is not None]
    objects: dict[str, list[FoundObject]] = {}
    for instance, zone in zip(shown, _zones(shown, record), strict=True):
        found = _object(instance, zone, record, organs, ontology)
        objects.setdefault(found.label, []).append(found)
    return ImageFacts(
        image_id=record.image_id,
        patient_id=record.patient_id,
        source=record.source,
        split=record.split,
        modality=record.modality,
        height=record.height,
        width=record.width,
        labels=tuple(label for label in labels if label in known and label not in vague),
        objects={label: tuple(found) for label, found in objects.items()},
    )


def _zones(shown: list[Instance], record: Record) -> list[str]:
    """Say in which ninth of the image each region lies, as the image is shown."""
    labels = tuple(str(instance.label) for instance in shown)
    boxes = np.array([instance.bbox for instance in shown], np.float32).reshape(-1, 4)
    size = (record.height, record.width)
    scores = np.ones(len(shown), np.float32)
    regions = ImageRegions(record.image_id, *size, record.modality, labels, boxes, scores)
    return grid_places(regions, 'image')


def _object(
    instance: Instance, zone: str, record: Record, organs: list[Instance], ontology: Ontology
) -> FoundObject:
    label = str(instance.label)
    side, host = ontology.side(label), None
    if side is None and ontology.is_lesion(label):
        host = _host(label, instance.bbox, organs, ontology)
        side = ontology.side(host) if host else None
    length = None
    if record.spacing_mm is not None:
        x1, y1, x2, y2 = instance.bbox
        rows, columns = record.spacing_mm
        length = max((x2 - x1) * columns, (y2 - y1) * rows)
    return FoundObject(label, instance.bbox, side, host, length, zone)


def _host(label: str, box: Box, organs: list[Instance], ontology: Ontology) -> str | None:
    """Return the sided organ that a finding lies in, of those it may lie in by its nature."""
    places = {
        organ for place in ontology.attributes(label).location for organ in _named(place, ontology)
    }
    best, share = None, _INSIDE
    for organ in organs:
        if organ.label in places:
            covered = _covered(box, organ.bbox)
            if covered >= share:
                best, share = organ.label, covered
    return best


def _named(place: str, ontology: Ontology) -> tuple[str, ...]:
    try:
        return ontology.candidates(place)
    except ValueError:
        return ()


def _covered(box: Box, organ: Box) -> float:
    width = min(box[2], organ[2]) - max(box[0], organ[0])
    height = min(box[3], organ[3]) - max(box[1], organ[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(width, 0) * max(height, 0) / area


def _length(found: FoundObject) -> float:
    x1, y1, x2, y2 = found.box
    return found.length_mm if found.length_mm is not None else max(x2 - x1, y2 - y1)
