"""What a report is made of, before it becomes Markdown or HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ['Badge', 'Cell', 'Link', 'Page', 'Picture', 'Section', 'Table', 'percent']


@dataclass(frozen=True)
class Link:
    """Address of a source, as the recipe says it; a page links to web addresses only."""

    url: str


@dataclass(frozen=True)
class Badge:
    """A verdict in one or two words; its colour never says more than the words.

    Args:
        text: The words.
        tone: How it is shown; ``bad`` and ``warn`` are in bold in Markdown.
    """

    text: str
    tone: Literal['good', 'warn', 'bad', 'plain'] = 'plain'


Cell = str | int | float | Link | Badge | None


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        columns: Headings.
        rows: Cells, as many per row as ``columns``; None and NaN show as a dash.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Picture:
    """A picture of a report.

    Args:
        file: Path relative to the Markdown file.
        alt: What it shows, in words.
        embedded: Bytes for a page that holds its pictures, PNG or JPEG.
        media_type: Of ``embedded``.
    """

    file: str
    alt: str
    embedded: bytes
    media_type: str = 'image/png'


@dataclass
class Section:
    """A part of a report: text, then tables, then pictures, then parts of its own."""

    title: str
    text: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    sections: list['Section'] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A report.

    Args:
        title: What it reports on.
        notice: What every reader has to know first.
        sections: The parts, in their order.
    """

    title: str
    notice: str
    sections: Sequence[Section]


def percent(part: int, whole: int) -> str:
    """Write a share, such as ``12.5 %``; a dash if the whole is 0."""
    return f'{100 * part / whole:.1f} %' if whole else '-'
