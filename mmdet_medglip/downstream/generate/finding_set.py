"""Findings of an image as a set, from the truth and from the words of a report."""

from __future__ import annotations

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.text import parse_report

from .image_facts import ImageFacts

__all__ = ['Finding', 'findings_of_report', 'findings_of_truth']

Finding = tuple[str, str]
"""Label id and side: ``left``, ``right``, or empty where no side is said."""


def findings_of_truth(facts: ImageFacts, ontology: Ontology | None = None) -> frozenset[Finding]:
    """Return the findings of an image, each once for each side that has it."""
    ontology = ontology or Ontology.default()
    return frozenset(
        (label, one.side or '')
        for label, found in facts.objects.items()
        if ontology.is_lesion(label) and label in facts.labels
        for one in found
    )


def findings_of_report(
    text: str, labels: tuple[str, ...], ontology: Ontology | None = None
) -> frozenset[Finding]:
    """Return the findings that a report says are there.

    Args:
        text: The report.
        labels: Label ids that can be meant: of a name that fits several the first of these is
            taken.
        ontology: Names; the packaged one if None.

    Returns:
        Findings of ``labels`` said to be there, surely or perhaps; both sides are two findings.

    Example:
        >>> sorted(findings_of_report('A kidney stone in the left kidney. No liver lesion.',
        ...                           ('kidney_stone', 'liver_lesion')))
        [('kidney_stone', 'left')]
    """
    ontology = ontology or Ontology.default()
    found: set[Finding] = set()
    for mention in parse_report(text, ontology).of_status('groundable'):
        meant = [label for label in labels if label in mention.labels and ontology.is_lesion(label)]
        if meant:
            sides = ('left', 'right') if mention.side == 'bilateral' else (mention.side or '',)
            found.update((meant[0], side) for side in sides)
    return frozenset(found)
