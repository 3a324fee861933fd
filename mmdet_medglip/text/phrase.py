"""Noun phrases of a sentence: a name with the words before it that describe it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from .piece import Piece
from .term import State

__all__ = ['Element', 'Phrase', 'find_phrases']

_DESCRIBING = frozenset({'modifier', 'place', 'side', 'state', 'number', 'measure'})
_BEFORE_NAMES = frozenset({'modifier', 'place', 'side', 'state', 'measure'})
_OF_KIND = frozenset({'shape', 'texture', 'nature', 'colour'})
_TELLING_TIMES = frozenset({'acute', 'chronic', 'subacute', 'old', 'remote'})
_HEADS = frozenset({'name', 'weak', 'quality'})
_MOST_NAMES = 4  # in one phrase
_LINKS = frozenset({'and', 'or', ',', '/', 'and or', 'to', '&'})


@dataclass
class Phrase:
    """A noun phrase.

    Args:
        kind: ``finding``, ``device`` or ``structure``.
        head: The name.
        before: What describes it, in the order of the text; the first belongs to the phrase.
        counts: Number words before it, which are not part of it.
        place: The structure named right before the phrase, with which it is one: ``lung base``
            of ``lung base opacity``.
    """

    kind: str
    head: Piece
    before: list[Piece] = field(default_factory=list)
    counts: list[Piece] = field(default_factory=list)
    place: 'Phrase | None' = None

    @property
    def names(self) -> int:
        """Number of names in it."""
        return 1 if self.place is None else 1 + self.place.names

    @property
    def start(self) -> int:
        """First character."""
        if self.place is not None:
            return self.place.start
        return self.before[0].start if self.before else self.head.start

    @property
    def end(self) -> int:
        """Character behind the last."""
        return self.head.end

    def pieces(self) -> list[Piece]:
        """Return all pieces in the order of the text, number words included."""
        first = [] if self.place is None else self.place.pieces()
        return [*first, *self.counts, *self.before, self.head]

    def states(self) -> list[State]:
        """Return what the words before the name say of its state."""
        first = [] if self.place is None else self.place.states()
        return [*first, *(piece.state for piece in self.before if piece.state is not None)]


Element = Phrase | Piece


def find_phrases(pieces: Sequence[Piece]) -> list[Element]:
    """Gather noun phrases; all other pieces stay as they are.

    Args:
        pieces: The pieces of a sentence.

    Returns:
        Phrases and pieces in the order of the text.

    Example:
        >>> from mmdet_medglip.text.report import read_sentence
        >>> elements = find_phrases(read_sentence('There is a small left lung base opacity.'))
        >>> [e.kind for e in elements if isinstance(e, Phrase)]
        ['finding']
    """
    gathering = _Gathering()
    for piece in pieces:
        gathering.take(piece)
    gathering.release()
    return gathering.elements


class _Gathering:
    """One pass over the pieces; each is looked at a bounded number of times."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self._pending: list[Piece] = []
        self._told = False  # pending words may be told of what stands before: 'heart is large'

    def take(self, piece: Piece) -> None:
        roles = piece.roles.keys()
        if roles & _HEADS:
            self._take_head(piece)
        elif (roles & _DESCRIBING and 'cue' not in roles) or self._links(piece):
            self._pending.append(piece)
        else:
            self.release()
            self.elements.append(piece)
            self._told = 'be' in roles

    def _links(self, piece: Piece) -> bool:
        return piece.key in _LINKS and bool(self._pending) and _describes(self._pending[-1])

    def release(self) -> None:
        """Let pending words go: no name follows them."""
        self.elements += self._pending
        self._pending = []

    def _take_head(self, head: Piece) -> None:
        self._drop_what_is_told(head)
        kind = self._kind(head)
        if kind is None:
            self.release()
            self.elements.append(head)
            return
        phrase = Phrase(kind, head)
        neighbour = self._neighbour()
        if neighbour is not None and self._is_one_with(neighbour, phrase):
            phrase.place = neighbour
            self.elements.pop()
        counts = sum(1 for _ in takewhile(lambda piece: 'number' in piece.roles, self._pending))
        phrase.counts, phrase.before = self._pending[:counts], self._pending[counts:]
        self._pending = []
        self.elements.append(phrase)
        self._told = kind == 'structure'

    def _drop_what_is_told(self, head: Piece) -> None:
        """Keep, of ``enlarged, mild`` behind ``the heart is``, only what is behind the comma."""
        links = [i for i, piece in enumerate(self._pending) if piece.key in _LINKS]
        if not links or self._shares_head(head):
            return
        if links[-1] == len(self._pending) - 1:
            cut = links[-1]
        elif self._told or any(_is_normal(piece) for piece in self._pending[: links[-1]]):
            cut = next((i for i in links if self._pending[i].key == ','), links[0])
        else:
            return
        self.elements += self._pending[: cut + 1]
        self._pending = self._pending[cut + 1 :]

    def _shares_head(self, head: Piece) -> bool:
        """Tell whether ``upper and`` belongs to ``lower lobes``, which is one name."""
        return (
            head.kind('name') == 'structure'
            and ' ' in head.key
            and self._pending[-1].key in ('and', 'or', '/')
            and bool(self._pending[-2].roles.keys() & {'place', 'side'})
        )

    def _neighbour(self) -> Phrase | None:
        """Return the phrase that ends right before the pending words."""
        last = self.elements[-1] if self.elements else None
        return last if isinstance(last, Phrase) else None

    def _kind(self, head: Piece) -> str | None:
        if 'name' in head.roles:
            return head.roles['name']
        structure = (neighbour := self._neighbour()) is not None and neighbour.kind == 'structure'
        if 'weak' in head.roles:
            told = any('place' in p.roles or _tells_kind(p) for p in self._pending)
            return 'finding' if told or (structure and not self._pending) else None
        if any(piece.roles.keys() & {'place', 'adjective'} for piece in self._pending):
            return 'structure'
        joined = len(self.elements) > 1 and _joins_structure(self.elements[-2:])
        return 'structure' if (structure or joined) and not self._pending else None

    def _is_one_with(self, neighbour: Phrase, phrase: Phrase) -> bool:
        if neighbour.names >= _MOST_NAMES:
            return False
        if neighbour.kind == 'structure':
            return all('place' in p.roles or p.kind('modifier') in _OF_KIND for p in self._pending)
        return neighbour.kind == phrase.kind and not self._pending and ' ' not in phrase.head.key


def _describes(piece: Piece) -> bool:
    return bool(piece.roles.keys() & _BEFORE_NAMES)


def _tells_kind(piece: Piece) -> bool:
    kind = piece.kind('modifier')
    return kind in _OF_KIND or kind == 'extent' or piece.key in _TELLING_TIMES


def _is_normal(piece: Piece) -> bool:
    return piece.state == 'normal'


def _joins_structure(elements: Sequence[Element]) -> bool:
    first, link = elements
    return (
        isinstance(first, Phrase)
        and first.kind == 'structure'
        and isinstance(link, Piece)
        and link.key in ('and', '/')
    )
