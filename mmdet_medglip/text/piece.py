"""Pieces of a sentence: its words grouped to the longest known terms, and its measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from .term import State
from .term_index import TermIndex
from .word import Word

__all__ = ['Piece', 'read_pieces']

_MILLIMETRES = {'mm': 1.0, 'millim': 1.0, 'cm': 10.0, 'centim': 10.0, 'um': 1e-3, 'micron': 1e-3}
_LONGEST_MEASURE = 16  # words
_LONGEST_NUMBER = 12  # characters
_MOST_NUMBERS = 3  # before a unit


@dataclass(frozen=True, slots=True)
class Piece:
    """One or several words of a sentence that are read together.

    Args:
        start: First character in the text.
        end: Character behind the last.
        key: The words as they are compared.
        roles: What they can be, see :class:`~mmdet_medglip.text.term.Term`; beside these
            ``measure`` for a size with its unit and ``mask`` for words taken out of the text.
        labels: Label ids that they may mean.
        millimetres: The numbers of a measure; empty for anything else.
    """

    start: int
    end: int
    key: str
    roles: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    millimetres: tuple[float, ...] = ()

    @property
    def state(self) -> State | None:
        """What it says of a structure; None if nothing."""
        return cast(State | None, self.roles.get('state'))

    def kind(self, role: str) -> str | None:
        """Return which kind of a role it can have; None if it cannot have the role."""
        return self.roles.get(role)


def read_pieces(words: Sequence[Word], index: TermIndex, *, short_forms: bool) -> list[Piece]:
    """Group the words of a sentence.

    Args:
        words: The words.
        index: The known terms; the longest that starts at a word is taken.
        short_forms: Whether abbreviations of the ontology count.

    Returns:
        The pieces; every word is in one of them.

    Example:
        >>> from mmdet_medglip.ontology import Ontology
        >>> from mmdet_medglip.text.lexicon import Lexicon
        >>> from mmdet_medglip.text.word import read_words
        >>> index = TermIndex(Lexicon.default(), Ontology.default())
        >>> words = read_words('A 5 x 8 mm pleural plaque')
        >>> [piece.key for piece in read_pieces(words, index, short_forms=True)]
        ['a', '5 x 8 mm', 'pleural plaque']
    """
    pieces = []
    at = 0
    while at < len(words):
        piece, length = _piece(words, at, index, short_forms)
        pieces.append(piece)
        at += length
    return pieces


def _piece(
    words: Sequence[Word], at: int, index: TermIndex, short_forms: bool
) -> tuple[Piece, int]:
    word = words[at]
    if word.is_mask:
        return Piece(word.start, word.end, word.key, {'mask': 'mask'}), 1
    if _is_short_number(word):
        numbers, length = _measure(words[at : at + _LONGEST_MEASURE], index)
        if numbers:
            return _joined(words[at : at + length], {'measure': 'size'}, (), numbers), length
    if word.is_number:
        return Piece(word.start, word.end, word.key, {'number': 'number'}), 1
    term, length = index.longest(words, at, short_forms=short_forms)
    if length == 1:
        return Piece(word.start, word.end, word.key, term.roles, term.labels), 1
    return _joined(words[at : at + length], term.roles, term.labels, ()), length


def _joined(
    words: Sequence[Word],
    roles: Mapping[str, str],
    labels: tuple[str, ...],
    millimetres: tuple[float, ...],
) -> Piece:
    key = ' '.join(word.key for word in words)
    return Piece(words[0].start, words[-1].end, key, roles, labels, millimetres)


def _measure(words: Sequence[Word], index: TermIndex) -> tuple[tuple[float, ...], int]:
    """Read ``2.5 x 3 cm`` at the start of words; no numbers if there is no unit."""
    numbers: list[float] = []
    pending: list[float] = []
    at = length = 0
    while at < len(words) and len(pending) < _MOST_NUMBERS and _is_short_number(words[at]):
        pending.append(_number(words[at].raw))
        at += 1
        if at < len(words) and 'unit' in index.longest(words, at)[0].roles:
            factor = _factor(words[at].key)
            numbers += [number * factor for number in pending]
            pending = []
            at += 1
            length = at
        if at < len(words) and 'times' in index.longest(words, at)[0].roles:
            at += 1
    return tuple(numbers), length


def _is_short_number(word: Word) -> bool:
    return word.is_number and len(word.key) <= _LONGEST_NUMBER


def _number(digits: str) -> float:
    """Return ``2.5`` of ``2.5`` and ``2,5``; of several marks the last is the decimal point."""
    whole, point, rest = digits.replace(',', '.').rpartition('.')
    return float(f'{whole.replace(".", "")}{point}{rest}')


def _factor(unit: str) -> float:
    return next(factor for start, factor in _MILLIMETRES.items() if unit.startswith(start))
