"""Figures of a comparison of texts, and what could not be computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ['TextScores', 'UnavailableError', 'one_line']

_LONGEST = 240


class UnavailableError(Exception):
    """A figure cannot be computed here; its text says in one line why and what to do."""


@dataclass(frozen=True)
class TextScores:
    """Figures by name, and reasons for those that are not there.

    Attributes:
        figures: Finite values by name, such as ``nlg/BLEU-4``.
        unavailable: One line by the name of what was asked for.
    """

    figures: Mapping[str, float] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)

    def __or__(self, other: TextScores) -> TextScores:
        return TextScores(
            {**self.figures, **other.figures}, {**self.unavailable, **other.unavailable}
        )


def one_line(text: str) -> str:
    """Bring a message to one line of at most 240 characters."""
    line = ' '.join(text.split())
    return line if len(line) <= _LONGEST else f'{line[: _LONGEST - 4]} ...'
