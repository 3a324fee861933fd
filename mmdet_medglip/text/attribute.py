"""What is said of a finding beside its name."""

from dataclasses import dataclass
from typing import Literal

from .prompt import Span

__all__ = ['Attribute', 'AttributeKind']

AttributeKind = Literal[
    'size', 'severity', 'shape', 'texture', 'colour', 'extent', 'time', 'nature', 'number'
]


@dataclass(frozen=True)
class Attribute:
    """One word, measure or number that describes a finding.

    Args:
        kind: What it tells.
        text: The words as they stand in the text.
        span: Where they stand, ``[start, end)`` in characters.
        millimetres: The numbers of a measure in millimetres, in the order of the text: one for
            ``5 mm``, two for ``1.2 x 3 cm``; empty for words.
    """

    kind: AttributeKind
    text: str
    span: Span
    millimetres: tuple[float, ...] = ()
