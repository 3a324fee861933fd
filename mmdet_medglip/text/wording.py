"""The words a prompt uses for a label, class or region."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from mmdet_medglip.ontology import Ontology

__all__ = ['WORDINGS', 'Wording', 'say']

Wording = Literal['name', 'synonym', 'abbreviation', 'attributed', 'description']
WORDINGS: tuple[Wording, ...] = get_args(Wording)
"""Ways to say a label: its name, another name, a short form, its name with what it looks like and
where it lies, and the latter without its name."""


def say(
    ontology: Ontology,
    node: str,
    wording: Wording,
    choose: Callable[[int], int] | None = None,
) -> str | None:
    """Say a label, class or region.

    Args:
        ontology: Where ``node`` and its attributes are.
        node: Id at any level.
        wording: One of :data:`WORDINGS`.
        choose: Draws an index below a number; of attributes, a random part is then said. None
            takes the first of each, and says all attributes.

    Returns:
        The words; None if ``node`` cannot be said so.

    Example:
        >>> from mmdet_medglip.ontology import Ontology
        >>> say(Ontology.default(), 'kidney_stone', 'description')
        'small bright concretion in the kidney'
        >>> say(Ontology.default(), 'kidney_stone', 'synonym')
        'renal stone'
    """
    if wording == 'name':
        return ontology.display_name(node)
    pick = choose or (lambda count: 0)
    if wording in ('synonym', 'abbreviation'):
        names = ontology.synonyms(node)
        if wording == 'abbreviation':
            names = ontology.info(node).abbreviations if node in ontology.labels else ()
        return names[pick(len(names))] if names else None
    said = ontology.attributes(node)
    noun = ontology.display_name(node) if wording == 'attributed' else said.kind
    places = [place for place in said.location if wording != 'attributed' or place not in noun]
    looks: list[Sequence[str]] = [said.shape, said.colour, said.texture]
    if not noun or not any((*looks, places)):
        return None
    return _phrase(looks, noun, places, pick, every=choose is None)


def _phrase(
    looks: Sequence[Sequence[str]],
    noun: str,
    places: Sequence[str],
    pick: Callable[[int], int],
    every: bool,
) -> str:
    """Put one word of some lists before the noun, and perhaps a place behind it; at least one."""
    known = [i for i, words in enumerate((*looks, places)) if words]
    kept = known if every else [i for i in known if pick(2)] or [known[pick(len(known))]]
    words = [looks[i][pick(len(looks[i]))] for i in kept if i < len(looks)]
    phrase = ' '.join((*words, noun))
    return f'{phrase} in the {places[pick(len(places))]}' if len(looks) in kept else phrase
