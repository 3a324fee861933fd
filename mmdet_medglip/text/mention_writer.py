"""From what a sentence says of a name to a mention: side, labels, attributes, status."""

from collections.abc import Iterable, Sequence
from typing import cast

from mmdet_medglip.ontology import Ontology

from .attribute import Attribute, AttributeKind
from .draft import Draft
from .mention import Kind, Laterality, Mention, Reason, Status
from .phrase import Phrase
from .piece import Piece
from .prompt import Span

__all__ = ['MentionWriter']


class MentionWriter:
    """Writes the mentions of one text.

    Args:
        text: The text, in whose characters spans are given.
        ontology: What decides between the meanings of a name.
    """

    def __init__(self, text: str, ontology: Ontology) -> None:
        self._text = text
        self._ontology = ontology
        self._meanings: dict[tuple[str, str], tuple[str, ...]] = {}

    def mention(self, draft: Draft, *, is_told: bool) -> Mention:
        """Write a mention.

        Args:
            draft: What its sentence says of it.
            is_told: Whether the sentence tells what the image shows; under a heading such as
                *Indication* it does not.

        Returns:
            The mention.
        """
        span = (draft.start, draft.end)
        status, reason = _status(draft, is_told)
        text = self._text[draft.start : draft.end]
        if draft.phrase is None:
            return Mention(text, span, span, 'other', status, reason)
        pieces = draft.phrase.pieces()
        side = self._side(draft)
        head = draft.phrase.head
        return Mention(
            text=text,
            span=span,
            head=(head.start, head.end),
            kind=cast(Kind, 'finding' if draft.state == 'abnormal' else draft.kind),
            status=status,
            reason=reason,
            side=side,
            uncertain=draft.uncertain,
            labels=self._labels(draft, side),
            attributes=self._attributes([*pieces, *draft.said]),
            locations=_locations(draft),
        )

    def unknown(self, span: Span, pieces: Sequence[Piece]) -> Mention:
        """Write a mention of words without a known name.

        Args:
            span: Where the words are.
            pieces: The words.

        Returns:
            A groundable mention of kind ``other``.
        """
        return Mention(
            text=self._text[span[0] : span[1]],
            span=span,
            head=span,
            kind='other',
            side=_one_side(_said_sides(pieces)),
            attributes=self._attributes(pieces),
        )

    def _side(self, draft: Draft) -> Laterality | None:
        phrases = [phrase for phrase in (draft.phrase, *draft.places) if phrase is not None]
        sides: set[str | None] = set(_said_sides(draft.said))
        for phrase in phrases:
            sides.update(_said_sides(phrase.pieces()))
            for part in _parts(phrase):
                named = {self._ontology.side(label) for label in part.head.labels}
                if len(named) == 1:
                    sides |= named
                elif not named:
                    sides.update(part.head.key.split())
        return _one_side(sides)

    def _labels(self, draft: Draft, side: Laterality | None) -> tuple[str, ...]:
        if draft.phrase is None:
            return ()
        head = draft.phrase.head
        labels = head.labels
        place = next(iter((*_place_before(draft.phrase), *draft.places)), None)
        if len(labels) > 1 and place is not None:
            where = ' '.join(part.head.key for part in _parts(place))
            labels = self._meaning(head.key, where, labels)
        if side in ('left', 'right'):
            labels = tuple(i for i in labels if self._ontology.side(i) in (side, None)) or labels
        elif side == 'bilateral':
            opposite = [self._ontology.opposite(label) for label in labels]
            labels = tuple(dict.fromkeys([*labels, *(i for i in opposite if i is not None)]))
        return labels

    def _meaning(self, name: str, place: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Let the ontology decide what an ambiguous name means at a place."""
        known = self._meanings.get((name, place))
        if known is None:
            try:
                known = (self._ontology.parse_label(name, body_region=place),)
            except ValueError:
                known = labels
            self._meanings[name, place] = known
        return known

    def _attributes(self, pieces: Iterable[Piece]) -> tuple[Attribute, ...]:
        found = []
        for piece in sorted(pieces, key=lambda piece: piece.start):
            kind = piece.kind('modifier') or piece.kind('measure') or piece.kind('number')
            if kind is not None and 'name' not in piece.roles:
                text = self._text[piece.start : piece.end]
                span = (piece.start, piece.end)
                found.append(Attribute(cast(AttributeKind, kind), text, span, piece.millimetres))
        return tuple(found)


def _status(draft: Draft, is_told: bool) -> tuple[Status, Reason | None]:
    if draft.reason is not None:
        return 'not_groundable', draft.reason
    if draft.negated:
        return 'negated', None
    if not is_told:
        return 'not_groundable', 'history'
    if draft.state in ('normal', 'unchanged'):
        return 'not_groundable', cast(Reason, draft.state)
    return 'groundable', None


def _parts(phrase: Phrase) -> list[Phrase]:
    """Return a phrase behind the structures named right before it."""
    parts = [phrase]
    while parts[-1].place is not None:
        parts.append(parts[-1].place)
    return parts[::-1]


def _place_before(phrase: Phrase) -> list[Phrase]:
    """Return the structure that a phrase starts with; none if it starts with another name."""
    return [part for part in _parts(phrase)[:-1] if part.kind == 'structure'][-1:]


def _said_sides(pieces: Iterable[Piece]) -> list[str]:
    return [piece.roles['side'] for piece in pieces if 'side' in piece.roles]


def _one_side(sides: Iterable[str | None]) -> Laterality | None:
    said = {'bilateral' if side == 'both' else side for side in sides}
    if 'bilateral' in said or {'left', 'right'} <= said:
        return 'bilateral'
    if 'left' in said:
        return 'left'
    return 'right' if 'right' in said else None


def _locations(draft: Draft) -> tuple[Span, ...]:
    """Return the words of place before the name, and the places behind it."""
    if draft.phrase is None:
        return ()
    spans = [_place_span(place) for place in _place_before(draft.phrase)]
    where: list[Piece] = []
    for piece in (*draft.phrase.before, draft.phrase.head):
        if piece is not draft.phrase.head and piece.roles.keys() & {'side', 'place'}:
            where.append(piece)
        elif where:
            spans.append((where[0].start, where[-1].end))
            where = []
    spans += map(_place_span, draft.places)
    return tuple(sorted(spans))


def _place_span(phrase: Phrase) -> Span:
    """Return the name of a place with the words of side and place before it."""
    phrase, end = _parts(phrase)[0], phrase.end
    telling = [piece for piece in phrase.before if piece.roles.keys() & {'side', 'place'}]
    return (telling[0] if telling else phrase.head).start, end
