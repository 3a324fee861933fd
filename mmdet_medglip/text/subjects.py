"""The structures that a clause is about."""

from dataclasses import dataclass, field

from .draft import Draft, stronger
from .term import State

__all__ = ['Subjects']


@dataclass
class Subjects:
    """Structures that one clause is about: ``heart and lungs``; a state holds for all of them.

    Args:
        members: The structures, in the order of the text.
        state: What the clause says of them; None if nothing.
        is_told: Whether the clause has said something of them, so that a further structure starts
            another clause.
    """

    members: list[Draft] = field(default_factory=list)
    state: State | None = None
    is_told: bool = False

    def ends_with(self, draft: Draft | None) -> bool:
        """Tell whether a mention is the last of them."""
        return draft is not None and self.members[-1:] == [draft]

    def tell(self, state: State | None) -> None:
        """Say a state of all of them; the strongest said counts."""
        self.state = stronger(self.state, state)
        self.is_told = True

    def open_members(self) -> list[Draft]:
        """Return those without a state."""
        return [] if self.state else [draft for draft in self.members if draft.state is None]
