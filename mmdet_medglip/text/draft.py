"""A mention while its sentence is read."""

from dataclasses import dataclass, field

from .mention import Reason
from .phrase import Phrase
from .piece import Piece
from .term import State

__all__ = ['Draft', 'stronger']

_RANK = {None: 0, 'unchanged': 1, 'normal': 2, 'abnormal': 3}


@dataclass(eq=False)
class Draft:
    """A mention while its sentence is read.

    Args:
        phrase: The noun phrase; None for words without a name.
        start: First character of the span.
        end: Character behind the last.
        kind: As in :class:`~mmdet_medglip.text.mention.Mention`.
        negated: Whether it is said not to be there.
        uncertain: Whether it is only supposed.
        reason: Why it cannot be grounded.
        state: What is said of a structure.
        inherits: The structure before it, whose state before the name counts for it too.
        is_place: Whether it turned out to say only where a finding is.
        said: Loose words that describe it.
        places: Where it is.
    """

    phrase: Phrase | None
    start: int
    end: int
    kind: str
    negated: bool = False
    uncertain: bool = False
    reason: Reason | None = None
    state: State | None = None
    inherits: 'Draft | None' = None
    is_place: bool = False
    said: list[Piece] = field(default_factory=list)
    places: list[Phrase] = field(default_factory=list)


def stronger(first: State | None, second: State | None) -> State | None:
    """Return what counts of two states: what is wrong before what is well, that before no news.

    Example:
        >>> stronger('unchanged', 'normal'), stronger('abnormal', 'normal'), stronger(None, None)
        ('normal', 'abnormal', None)
    """
    return second if _RANK[second] > _RANK[first] else first
