"""Names of regions below a picture, each with its colour."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from mmdet_medglip.structures import Instance
from mmdet_medglip.visualization.lettering import Font, shorten

__all__ = [
    'DIM',
    'INK',
    'NAMED_BOXES',
    'LegendRow',
    'Region',
    'draw_legend',
    'lay_out_legend',
]

Colour = tuple[int, int, int]
LegendRow = list[tuple[int, str, Colour | None]]

INK, DIM = (30, 30, 30), (110, 110, 110)
NAMED_BOXES = 4
"""Up to so many boxes carry their name; more carry its number in the legend."""


@dataclass(frozen=True)
class Region:
    """A region to draw.

    Args:
        instance: The region.
        name: What it is called.
        colour: RGB in [0, 255].
        number: Place of its name in the legend, from 1.
    """

    instance: Instance
    name: str
    colour: Colour
    number: int


def lay_out_legend(
    regions: Sequence[Region], width: int, font: Font, lines: int | None
) -> list[LegendRow]:
    """Lay out names with their colours.

    Args:
        regions: Regions of a picture; none gives no row.
        width: Width of the picture in pixels.
        font: Font of the picture.
        lines: Rows at most, the rest is counted; None shows all.

    Returns:
        Rows of (left edge in pixels, text, colour).
    """
    counts = Counter(region.name for region in regions)
    entries = {region.number: region for region in sorted(regions, key=lambda r: r.number)}
    numbered = len(regions) > NAMED_BOXES and len(entries) > 1
    rows: list[LegendRow] = []
    left = width + 1
    for place, region in enumerate(entries.values()):
        text = f'{region.number} {region.name}' if numbered else region.name
        text += f' x{counts[region.name]}' if counts[region.name] > 1 else ''
        text = shorten(text, width - 2 * font.size, font)
        needed = round(font.getlength(text) + 2.2 * font.size)
        if left + needed > width:
            if lines is not None and len(rows) == lines:
                _say_more(rows, len(entries) - place, width, font)
                break
            rows.append([])
            left = 0
        rows[-1].append((left, text, region.colour))
        left += needed
    return rows


def _say_more(rows: list[LegendRow], more: int, width: int, font: Font) -> None:
    """Put ``+ n more`` at the end of the last row, in place of names if it must be."""
    if not rows:
        return
    room = round(font.getlength('+ 999 more'))
    row = rows[-1]
    while len(row) > 1 and row[-1][0] + font.getlength(row[-1][1]) + 2 * font.size + room > width:
        row.pop()
        more += 1
    start, text, colour = row[-1]
    text = shorten(text, width - room - start - 2.2 * font.size, font)
    row[-1] = (start, text, colour)
    left = start + round(font.getlength(text) + 2.2 * font.size)
    row.append((left, f'+ {more} more', None))


def draw_legend(pen: ImageDraw.ImageDraw, row: LegendRow, top: int, font: Font) -> None:
    """Draw a row of :func:`lay_out_legend` with its upper edge at ``top``."""
    size = round(font.size * 0.75)
    for left, text, colour in row:
        if colour is None:
            pen.text((left, top), text, DIM, font)
            continue
        swatch = (left, top + 3, left + size, top + 3 + size)
        pen.rectangle(swatch, fill=colour, outline=DIM)
        pen.text((left + size + 4, top), text, INK, font)
