"""Write the findings of a report from the truth of an image.

Every finding that the source annotates is said to be there, with its side where it has one and its
number, or not to be there; organs that are shown and have no finding are named in one sentence.
Each statement has several wordings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmdet_medglip.ingest.noun_phrases import is_mass, mention
from mmdet_medglip.ontology import Ontology

from .asking import generator_of
from .found_object import FoundObject
from .image_facts import ImageFacts

__all__ = ['write_findings', 'write_impression']

_PRESENT = (
    'There {be} {what}{where}{size}.',
    '{What}{where}{size} {be} seen.',
    '{What}{where}{size}.',
)
_ABSENT = ('No {what}.', 'There is no {what}.', 'No {what} is seen.')
_ORGANS = ('{What} {be} unremarkable.', '{What} {be} normal in appearance.')


def write_findings(facts: ImageFacts, seed: int, ontology: Ontology | None = None) -> str:
    """Write what an image shows.

    Args:
        facts: Of the image.
        seed: Of the wordings.
        ontology: Names of labels; the packaged one if None.

    Returns:
        Sentences; empty if its source annotates nothing.
    """
    ontology = ontology or Ontology.default()
    rng = generator_of(seed, facts.image_id, 'findings')
    said, involved = [], set()
    for label in facts.labels:
        if ontology.is_lesion(label):
            found = facts.objects.get(label, ())
            said += _finding(label, found, rng, ontology)
            involved |= _involved(label, found, ontology)
    organs = [
        label
        for label in facts.labels
        if facts.has(label) and not ontology.is_lesion(label) and label not in involved
    ]
    return ' '.join([*said, *_organs(organs, rng, ontology)])


def write_impression(facts: ImageFacts, ontology: Ontology | None = None) -> str:
    """Write the findings of an image in one sentence, without number, place and size.

    Returns:
        ``'Liver lesion and kidney stone.'``, or ``'No abnormality.'``; empty if its source
        annotates no finding.
    """
    ontology = ontology or Ontology.default()
    lesions = [label for label in facts.labels if ontology.is_lesion(label)]
    if not lesions:
        return ''
    names = [ontology.display_name(label) for label in lesions if facts.has(label)]
    return f'{_capital(_listed(names))}.' if names else 'No abnormality.'


def _finding(
    label: str, found: Sequence[FoundObject], rng: np.random.Generator, ontology: Ontology
) -> list[str]:
    """Say one finding: a sentence for each side that has it, or one that it is not there."""
    name = ontology.display_name(label)
    if not found:
        return [_pick(_ABSENT, rng).format(what=name)]
    places: dict[str | None, list[FoundObject]] = {}
    for one in found:
        places.setdefault(one.host, []).append(one)
    return [
        _present(label, host, places[host], rng, ontology)
        for host in sorted(places, key=lambda host: host or '')
    ]


def _present(
    label: str,
    host: str | None,
    found: Sequence[FoundObject],
    rng: np.random.Generator,
    ontology: Ontology,
) -> str:
    info = ontology.info(label)
    number = 1 if is_mass(info.name) else len(found)
    said = mention(info.name, number, anatomy=False, whole=False, plural_name=info.plural)
    what = said.lead + said.noun
    where = f' in the {ontology.display_name(host)}' if host else ''
    return _pick(_PRESENT, rng).format(
        what=what,
        What=_capital(what),
        where=where,
        be='is' if number == 1 else 'are',
        size=_size(found),
    )


def _size(found: Sequence[FoundObject]) -> str:
    lengths = [one.length_mm for one in found if one.length_mm is not None]
    if len(lengths) < len(found):
        return ''
    up_to = 'up to' if len(found) > 1 else 'of'
    return f' {up_to} {5 * max(1, round(max(lengths) / 5))} mm'


def _organs(labels: Sequence[str], rng: np.random.Generator, ontology: Ontology) -> list[str]:
    if not labels:
        return []
    names = [f'the {ontology.display_name(label)}' for label in labels]
    what, be = _listed(names), 'is' if len(names) == 1 else 'are'
    return [_pick(_ORGANS, rng).format(What=_capital(what), be=be)]


def _involved(label: str, found: Sequence[FoundObject], ontology: Ontology) -> set[str]:
    """Return organs that a finding lies in; they are not called normal."""
    if not found:
        return set()
    organs = {one.host for one in found if one.host}
    if organs:
        return {str(organ) for organ in organs}
    return {
        organ
        for place in ontology.attributes(label).location
        for organ in ontology.candidates(place)
    }


def _listed(names: Sequence[str]) -> str:
    """Join names: ``a``, ``a and b``, ``a, b and c``."""
    return ' and '.join([', '.join(names[:-1]), names[-1]]) if len(names) > 1 else ''.join(names)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _pick(wordings: Sequence[str], rng: np.random.Generator) -> str:
    return wordings[int(rng.integers(len(wordings)))]
