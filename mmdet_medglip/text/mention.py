"""What a text mentions, and whether it can be shown in the image."""

from dataclasses import dataclass
from typing import Literal

from .attribute import Attribute
from .prompt import Span

__all__ = ['Kind', 'Laterality', 'Mention', 'Reason', 'Status']

Kind = Literal['finding', 'device', 'structure', 'other']
Laterality = Literal['left', 'right', 'bilateral']
Status = Literal['groundable', 'negated', 'not_groundable']
Reason = Literal[
    'normal',
    'unchanged',
    'unseen',
    'history',
    'question',
    'advice',
    'comparison',
    'technique',
    'masked',
]


@dataclass(frozen=True)
class Mention:
    """A finding, device or structure that a text names; or words without anything to show.

    Args:
        text: The words of ``span``.
        span: The noun phrase, ``[start, end)`` in characters of the text: the name and the words
            before it that describe it, without article and number. Of a structure whose state is
            a finding it reaches to the state: ``aorta is tortuous``.
        head: The name alone.
        kind: What is named; ``other`` for words without a known name.
        status: ``groundable``: said or supposed to be there; ``negated``: said not to be there;
            ``not_groundable``: neither, see ``reason``.
        reason: Why it is not groundable; None if it has another status.
        side: Side of the patient, by the words of the phrase and of its location; None if they
            say none.
        uncertain: Whether the text only supposes it.
        labels: Label ids of the ontology that the name may mean there; none if it has none.
        attributes: What describes it, in the order of the text.
        locations: Spans of the words that say where it is, without preposition and article.
    """

    text: str
    span: Span
    head: Span
    kind: Kind
    status: Status = 'groundable'
    reason: Reason | None = None
    side: Laterality | None = None
    uncertain: bool = False
    labels: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    locations: tuple[Span, ...] = ()

    @property
    def is_groundable(self) -> bool:
        """Whether it can be asked for in the image."""
        return self.status == 'groundable'
