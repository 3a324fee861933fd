"""Thin boxes with their names: the one way that this package draws boxes.

A line lies outside its box, so that a small finding stays visible, and has a dark line beside it,
so that it stands out on bright images as on dark ones. Names stand at their boxes, in the colour of
the box with a dark rim; where they would cover each other, numbers do, and the legend says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from .lettering import Font, printable, shorten
from .palette import Colour
from .tags import Rectangle, place_tags

__all__ = ['BoxMark', 'choose_texts', 'draw_marks', 'line_width', 'mark_rectangle']

_HALO = (0, 0, 0)
_HALO_BOXES = 48
"""With more boxes dark lines would be clutter themselves."""
_LEAST_SIDE = 5.0
_LONGEST_TAG = 0.45
_HIDDEN_MOST = 0.15
"""Names of which another one hides more give way to numbers."""
_MOST_NAMES = 8
"""So do more names than these: the image is what is to be seen."""
_DASH = 5


@dataclass(frozen=True)
class BoxMark:
    """A box to draw.

    Args:
        box: ``(x1, y1, x2, y2)`` in pixels of the picture, half open; it may leave it.
        colour: Of line and text.
        text: What stands at it; blank for nothing.
        short: What stands there if texts would cover each other.
        dashed: Whether its line is.
    """

    box: Rectangle
    colour: Colour
    text: str = ''
    short: str = ''
    dashed: bool = False


def line_width(size: tuple[int, int]) -> int:
    """Return the width of lines in a picture of ``(width, height)``: a pixel, two on large ones."""
    return 1 if max(size) <= 900 else 2


def mark_rectangle(box: Rectangle, size: tuple[int, int], width: int = 1) -> Rectangle:
    """Return the line around a box: outside of it, inside the picture, never too small to see.

    Args:
        box: The box.
        size: ``(width, height)`` of the picture.
        width: Of the line.

    Returns:
        First and last column and row of the outer edge of the line.
    """
    lines = []
    for low, high, limit in ((box[0], box[2], size[0]), (box[1], box[3], size[1])):
        start, end = low - width, high + width - 1
        missing = max(0.0, _LEAST_SIDE - (end - start)) / 2
        first = min(max(0, round(start - missing)), limit - 1)
        lines.append((first, min(limit - 1, round(end + missing))))
    (x1, x2), (y1, y2) = lines
    return x1, y1, max(x1, x2), max(y1, y2)


def choose_texts(
    marks: Sequence[BoxMark], size: tuple[int, int], font: Font
) -> tuple[list[BoxMark], bool]:
    """Decide whether names fit, or short texts take their place.

    Args:
        marks: The boxes.
        size: ``(width, height)`` of the picture.
        font: Of the texts.

    Returns:
        The marks with the text that is to be drawn, and whether it is the short one.
    """
    fitted = [
        replace(mark, text=shorten(printable(mark.text), _LONGEST_TAG * size[0], font))
        for mark in marks
    ]
    named = [mark for mark in fitted if mark.text]
    rectangles = [mark_rectangle(mark.box, size) for mark in named]
    _, hidden = place_tags(rectangles, [_extent(mark.text, font) for mark in named], size)
    if hidden <= _HIDDEN_MOST and len(named) <= _MOST_NAMES:
        return fitted, False
    return [replace(mark, text=mark.short) for mark in fitted], True


def draw_marks(picture: Image.Image, marks: Sequence[BoxMark], font: Font) -> None:
    """Draw boxes and their texts, in the order given; texts lie above all lines.

    Args:
        picture: RGB; changed in place.
        marks: The boxes, possibly none.
        font: Of the texts.
    """
    pen = ImageDraw.Draw(picture)
    width = line_width(picture.size)
    rectangles = [mark_rectangle(mark.box, picture.size, width) for mark in marks]
    for x1, y1, x2, y2 in rectangles if len(rectangles) <= _HALO_BOXES else ():
        pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=_HALO)
    for mark, rectangle in zip(marks, rectangles, strict=True):
        if mark.dashed:
            _draw_dashed(pen, rectangle, mark.colour, width)
        else:
            pen.rectangle(rectangle, outline=mark.colour, width=width)
    named = [index for index, mark in enumerate(marks) if mark.text]
    texts = [marks[index].text for index in named]
    places, _ = place_tags(
        [rectangles[index] for index in named],
        [_extent(text, font) for text in texts],
        picture.size,
    )
    for index, text, place in zip(named, texts, places, strict=True):
        draw_text(pen, (place[0] + 2, place[1]), text, marks[index].colour, font)


def draw_text(
    pen: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, colour: Colour, font: Font
) -> None:
    """Write on an image, bright or dark: with a dark rim."""
    rim = max(1, round(font.size / 9))
    pen.text(corner, text, colour, font, stroke_width=rim, stroke_fill=_HALO)


def _extent(text: str, font: Font) -> Rectangle:
    return font.getbbox(text, stroke_width=max(1, round(font.size / 9)))


def _draw_dashed(
    pen: ImageDraw.ImageDraw, rectangle: Rectangle, colour: Colour, width: int
) -> None:
    x1, y1, x2, y2 = (int(value) for value in rectangle)
    for start in range(x1, x2 + 1, 2 * _DASH):
        end = min(start + _DASH, x2)
        pen.rectangle((start, y1, end, y1 + width - 1), fill=colour)
        pen.rectangle((start, y2 - width + 1, end, y2), fill=colour)
    for start in range(y1, y2 + 1, 2 * _DASH):
        end = min(start + _DASH, y2)
        pen.rectangle((x1, start, x1 + width - 1, end), fill=colour)
        pen.rectangle((x2 - width + 1, start, x2, end), fill=colour)
