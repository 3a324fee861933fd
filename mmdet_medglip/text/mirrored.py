"""Words about a picture, as they are true of its mirror image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ['MirroredText', 'mirror', 'names_a_side']

_OTHER = {'left': 'right', 'right': 'left'}
_SIDE = re.compile(
    r'(?<![a-z])(?:left|right)(?=(?:-?(?:sided|ward|wards|most|hand))?(?![a-z]))', re.IGNORECASE
)
_SHORT = re.compile(
    # Letters that say a side in capitals only, and Latin ones that do in any case.
    r'(?<![A-Za-z])(?:R|L|RT|Rt|LT|Lt|RUL|RML|RLL|LUL|LLL|RUQ|RLQ|LUQ|LLQ|RA|LA|RV|LV|RCA|LAD|LCX'
    r'|OD|OS|RHS|LHS|RCC|LCC|RMLO|LMLO|RK|LK)(?![A-Za-z0-9])'
    r'|(?<![A-Za-z])(?:dextr|sinistr|levo(?=card|posit|scol))[a-z]*',
)


@dataclass(frozen=True)
class MirroredText:
    """A text that says left for right and right for left.

    Args:
        text: The text.
        moves: Where a swapped word ends in the original, and how much longer the text is there.
    """

    text: str
    moves: tuple[tuple[int, int], ...] = field(default=())

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where characters ``[start, end)`` of the original are now.

        A span that begins or ends inside a swapped word keeps its distance from the word's begin.
        """
        return self._at(start), self._at(end)

    def spans(self, spans: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return where several spans are now."""
        return [list(self.span(start, end)) for start, end in spans]

    def _at(self, place: int) -> int:
        return place + sum(longer for end, longer in self.moves if end <= place)


def names_a_side(text: str) -> bool:
    """Tell whether a text says left or right, in words or in the usual letters.

    Example:
        >>> [names_a_side(t) for t in ('Left kidney', 'upright film', 'opacity in the RUL')]
        [True, False, True]
    """
    return _SIDE.search(text) is not None or _SHORT.search(text) is not None


def mirror(text: str) -> MirroredText | None:
    """Swap left and right in a text.

    Only the words are swapped, with their case: ``left-sided`` becomes ``right-sided``. A text
    that says a side by letters (``RUL``) or in Latin is not touched, since not each of them has a
    counterpart.

    Args:
        text: Any text; may be empty.

    Returns:
        The text; None if it says a side in a way that cannot be swapped.

    Example:
        >>> mirror('Left kidney beside the right one').text
        'Right kidney beside the left one'
        >>> mirror('opacity in the RUL') is None
        True
    """
    if _SHORT.search(text):
        return None
    moves = []

    def swap(found: re.Match[str]) -> str:
        word = found[0]
        other = _OTHER[word.lower()]
        moves.append((found.end(), len(other) - len(word)))
        if word.isupper():
            return other.upper()
        return other.capitalize() if word[0].isupper() else other

    swapped = _SIDE.sub(swap, text)
    return MirroredText(swapped, tuple(moves))
