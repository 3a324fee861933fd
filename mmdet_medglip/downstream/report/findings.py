"""What a report says is there, and what it says is not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from mmdet_medglip.text import parse_report
from mmdet_medglip.text.mention import Kind, Mention

from .finding_names import FindingNames

__all__ = ['Finding', 'find_findings']

State = Literal['positive', 'negated']

_SIDES: dict[str | None, frozenset[str]] = {
    None: frozenset(),
    'left': frozenset({'left'}),
    'right': frozenset({'right'}),
    'bilateral': frozenset({'left', 'right'}),
}


@dataclass(frozen=True)
class Finding:
    """What a report says of one finding.

    Attributes:
        name: What it is, see :meth:`FindingNames.name`.
        state: ``positive``: said, or supposed, to be there; ``negated``: said not to be there.
        sides: ``left`` and ``right`` of the patient, as far as the report says them of it;
            empty if it says none, as always if negated.
    """

    name: str
    state: State
    sides: frozenset[str] = frozenset()


def find_findings(
    text: str,
    *,
    modality: str | None = None,
    kinds: Collection[Kind] = ('finding', 'device'),
    uncertain: Literal['positive', 'left out'] = 'positive',
    names: FindingNames | None = None,
) -> dict[str, Finding]:
    """List the findings of a report.

    A finding is positive if any sentence says it is there, else negated if any says it is not.
    History, questions, comparisons, advice, and structures that are only said to be normal or
    unchanged say neither; but a normal heart size denies cardiomegaly.

    Args:
        text: The report; a blank one has none.
        modality: Modality of the images, by any of its names; it decides what *nodule* or *mass*
            means. None if not known.
        kinds: What counts: findings and devices, and ``structure`` for texts that list organs.
        uncertain: Whether what a report only supposes counts as positive or not at all.
        names: Under which name mentions count; the packaged names if None.

    Returns:
        Findings by name, in the order of the text.

    Raises:
        ValueError: The text is no valid Unicode, or no modality goes by that name.

    Example:
        >>> found = find_findings('No pneumothorax. Small left effusion.', modality='xray')
        >>> [(one.name, one.state, sorted(one.sides)) for one in found.values()]
        [('pneumothorax', 'negated', []), ('pleural_effusion', 'positive', ['left'])]
    """
    names = names or FindingNames.default()
    if modality is not None:
        modality = names.ontology.parse_modality(modality)
    found: dict[str, Finding] = {}
    for mention in parse_report(text, names.ontology).mentions:
        head = text[slice(*mention.head)]
        one = _finding(mention, head, modality, kinds, names)
        if one is None or (mention.uncertain and uncertain != 'positive'):
            continue
        known = found.get(one.name)
        if known is None or (known.state, one.state) == ('negated', 'positive'):
            found[one.name] = one
        elif known.state == one.state:
            found[one.name] = Finding(one.name, one.state, known.sides | one.sides)
    return found


def _finding(
    mention: Mention, head: str, modality: str | None, kinds: Collection[Kind], names: FindingNames
) -> Finding | None:
    if mention.kind == 'structure' and mention.reason == 'normal':
        denied = names.denied_by_normal(head)
        return None if denied is None else Finding(denied, 'negated')
    if mention.kind not in kinds or mention.status == 'not_groundable':
        return None
    name = names.name(mention, head, modality)
    if name is None:
        return None
    if mention.status == 'negated':
        return Finding(name, 'negated')
    return Finding(name, 'positive', _SIDES[mention.side])
