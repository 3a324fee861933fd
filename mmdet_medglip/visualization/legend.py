"""Names below a picture, each with its colour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import ImageDraw

from .lettering import Font, printable, shorten
from .palette import Colour

__all__ = ['LegendEntry', 'draw_legend', 'legend_rows', 'listed']

INK, DIM, WARN = (240, 240, 240), (165, 165, 170), (255, 215, 13)


@dataclass(frozen=True)
class LegendEntry:
    """A name.

    Args:
        text: The name.
        colour: Of the box in front of it; None for a text without.
        dashed: Whether the box is.
        ink: Of the text.
        heads: Whether a row begins with it.
    """

    text: str
    colour: Colour | None = None
    dashed: bool = False
    ink: Colour = INK
    heads: bool = False


def listed(heading: str, names: Sequence[str], ink: Colour) -> list[LegendEntry]:
    """Return a heading and an entry for each name; nothing without names."""
    if not names:
        return []
    texts = [*(f'{name},' for name in names[:-1]), names[-1]]
    return [LegendEntry(heading, ink=ink, heads=True), *(LegendEntry(t, ink=ink) for t in texts)]


def legend_rows(
    entries: Sequence[LegendEntry], width: int, font: Font
) -> list[list[tuple[int, LegendEntry]]]:
    """Lay out entries in rows.

    Args:
        entries: In their order; none gives no row.
        width: Of the rows in pixels.
        font: Of the texts.

    Returns:
        Rows of (left edge in pixels, entry). Names with a box are shortened to the width, other
        texts go on in the next row, unless one word is longer.
    """
    rows: list[list[tuple[int, LegendEntry]]] = []
    left = width + 1
    for entry in entries:
        swatch = 0 if entry.colour is None else font.size + 6
        text = printable(entry.text)
        for part in [text] if entry.colour else _lines(text, width, font):
            fitted = replace(entry, text=shorten(part, width - swatch, font))
            needed = math.ceil(font.getlength(fitted.text) + swatch)
            if left + needed > width or entry.heads:
                rows.append([])
                left = 0
            rows[-1].append((left, fitted))
            left += needed + round(1.2 * font.size)
    return rows


def _lines(text: str, width: int, font: Font) -> list[str]:
    """Break a text between words."""
    lines = ['']
    for word in text.split(' '):
        longer = f'{lines[-1]} {word}'.lstrip()
        if lines[-1] and math.ceil(font.getlength(longer)) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def draw_legend(
    pen: ImageDraw.ImageDraw,
    rows: Sequence[Sequence[tuple[int, LegendEntry]]],
    corner: tuple[int, int],
    font: Font,
    line: int,
) -> None:
    """Draw rows of :func:`legend_rows` with their upper left corner at ``corner``."""
    for number, row in enumerate(rows):
        top = corner[1] + number * line
        for left, entry in row:
            x = corner[0] + left
            if entry.colour is not None:
                size = round(0.8 * font.size)
                box = (x, top + 3, x + size, top + 3 + size)
                if entry.dashed:
                    pen.rectangle(box, outline=entry.colour)
                    pen.line((box[0], box[3], box[2], box[1]), fill=entry.colour)
                else:
                    pen.rectangle(box, fill=entry.colour)
                x += font.size + 6
            pen.text((x, top), entry.text, entry.ink, font)
