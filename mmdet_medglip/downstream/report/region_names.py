"""Whether the words of a region are what a report mentions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.names import Side, fold, plural_of, side_of, without_side
from mmdet_medglip.text import Mention, parse_phrases

__all__ = ['RegionName', 'names_same', 'read_region']


@dataclass(frozen=True)
class RegionName:
    """What the words of a region mean.

    Attributes:
        labels: Ids of labels of the ontology that they may stand for; empty if it does not know
            them.
        words: Folded, without their side.
        side: Side of the patient that they say; None if they say none.
    """

    labels: tuple[str, ...]
    words: str
    side: Side | None


@lru_cache(maxsize=4096)
def read_region(words: str, modality: str, ontology: Ontology) -> RegionName:
    """Read the words of a region.

    Args:
        words: Any name of a label, class or region of the ontology, or a phrase such as ``small
            nodule in the left lung``.
        modality: Id of the modality; it decides between meanings of an ambiguous name.
        ontology: The names.

    Example:
        >>> read_region('left renal stone', 'ct', Ontology.default())
        RegionName(labels=('kidney_stone',), words='renal stone', side='left')
    """
    labels = ontology.candidates(words)
    side = side_of(words)
    if not labels:
        try:
            mentions = parse_phrases(words, ontology).mentions
        except ValueError:
            mentions = ()
        for mention in mentions[:1]:
            labels = mention.labels
            words_of_head = words[slice(*mention.head)]
            labels = _meaning(labels, words_of_head, modality, ontology)
    labels = _meaning(labels, words, modality, ontology)
    sides = {ontology.side(label) for label in labels}
    if len(sides) == 1:
        side = next(iter(sides)) or side
    return RegionName(labels, without_side(words), side)


def names_same(
    mention: Mention, head: str, region: RegionName, modality: str, ontology: Ontology
) -> bool:
    """Tell whether a mention and a region have the same name, whatever their sides and number.

    They have if a label is common to both, where an ambiguous name has the meaning of the
    modality; or, of names that the ontology does not know, if the words are the same.

    Args:
        mention: Of the report.
        head: Words of its ``head``.
        region: The region.
        modality: Id of the modality of its image.
        ontology: The names.
    """
    labels = _meaning(mention.labels, head, modality, ontology)
    if labels and region.labels:
        return not _plain(labels).isdisjoint(_plain(region.labels))
    words = {plural_of(without_side(head)), plural_of(without_side(mention.text))}
    return not (labels or region.labels) and plural_of(region.words) in words


def _meaning(
    labels: tuple[str, ...], name: str, modality: str, ontology: Ontology
) -> tuple[str, ...]:
    """Let the modality decide between the meanings of a name, if it can."""
    if len(labels) > 1:
        try:
            decided = ontology.parse_label(fold(name), modality=modality)
        except ValueError:
            return labels
        return (decided,) if decided in labels else labels
    return labels


def _plain(labels: tuple[str, ...]) -> set[str]:
    """Return ids without side, in the plural: the left kidney is one of the kidneys."""
    return {plural_of(without_side(label)) for label in labels}
