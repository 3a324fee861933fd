"""Which classes and regions an image may be asked for, given the labels that are annotated."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mmdet_medglip.ontology import Ontology

__all__ = ['complete_groups']

Where = tuple[str, str]
"""Modality and source."""


def complete_groups(
    ontology: Ontology, usage: Mapping[Where, Collection[str]], kept: Collection[str]
) -> dict[Where, tuple[str, ...]]:
    """Classes and regions that each source annotates as far as any source of the modality does.

    On an image of a source that annotates livers alone, a spleen has no box, and asking for
    "abdomen" would teach that a spleen is none. So a group is asked only where all its labels that
    are annotated anywhere in the modality are annotated, and none of them was left out.

    Args:
        ontology: The levels above labels.
        usage: Label ids annotated in a modality by a source.
        kept: Labels that the data set takes.

    Returns:
        Group ids by modality and source.

    Example:
        >>> from mmdet_medglip.ontology import Ontology
        >>> usage = {('ct', 'a'): ['kidney_left', 'kidney_right'], ('ct', 'b'): ['kidney_left']}
        >>> complete_groups(Ontology.default(), usage, ['kidney_left', 'kidney_right'])
        {('ct', 'a'): ('kidney', 'abdomen'), ('ct', 'b'): ()}
    """
    known: dict[str, set[str]] = {}
    for (modality, _), labels in usage.items():
        known.setdefault(modality, set()).update(labels)
    members = {modality: ontology.grouped(labels) for modality, labels in known.items()}
    return {
        where: tuple(
            group
            for group, needed in members[where[0]].items()
            if set(needed) <= set(labels) and set(needed) <= set(kept)
        )
        for where, labels in usage.items()
    }
