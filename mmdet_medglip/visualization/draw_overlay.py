"""Draw the answer to one image, to be read beside the image itself."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .box_marks import choose_texts, draw_marks
from .drawn_boxes import DrawnBoxes, check_drawn, legend_of, marks_of
from .legend import DIM, WARN, LegendEntry, draw_legend, legend_rows, listed
from .lettering import font_for, printable, shorten

__all__ = ['draw_overlay', 'enlarged']

_BACKGROUND = (18, 18, 20)
_MARGIN = 8
_LARGEST = 1600
_SQUARE = 0.05
"""Pixels whose sides differ less are drawn as squares."""
_RULER_MM = (500, 200, 100, 50, 20, 10, 5, 2, 1)


def draw_overlay(
    image: npt.NDArray[np.uint8],
    phrases: Sequence[str],
    drawn: DrawnBoxes,
    *,
    title: str = '',
    absent: Sequence[str] = (),
    contradicted: Sequence[str] = (),
    warnings: Sequence[str] = (),
    side: int = 768,
    spacing_mm: tuple[float, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Draw boxes on an image, with a legend and what was not found below.

    Args:
        image: [H, W] or [H, W, 3] RGB.
        phrases: All phrases of the prompt.
        drawn: Boxes in pixels of the image.
        title: One line on top.
        absent: Phrases that were asked and not found.
        contradicted: Phrases that were said to be absent, but found.
        warnings: Lines that must not be overlooked.
        side: The image is enlarged until its longer side has so many pixels; one above 1600 is
            shrunk.
        spacing_mm: Distance of pixel centres ``(between rows, between columns)``: pixels that are
            not square are drawn in their shape, and a ruler is shown.

    Returns:
        [height, width, 3] uint8 RGB.

    Raises:
        ValueError: If the image is not uint8 [H, W] or [H, W, 3], or a box names no phrase.
    """
    check_drawn(image, len(phrases), answers=drawn)
    picture, scale = enlarged(image, side, spacing_mm)
    font = font_for(max(*picture.size, side))
    line = round(font.size * 1.45)
    marks, numbered = choose_texts(marks_of(drawn, phrases, scale), picture.size, font)
    draw_marks(picture, marks, font)
    if spacing_mm is not None:
        _draw_ruler(picture, spacing_mm[1] / scale[0])
    entries = legend_of((drawn,), phrases, numbered=numbered)
    entries += listed('not found:', absent, DIM)
    entries += listed('said to be absent, but found:', contradicted, WARN)
    entries += [LegendEntry(text, ink=WARN, heads=True) for text in warnings]
    width = max(picture.width, min(side, 320))
    rows = legend_rows(entries, width - 2 * _MARGIN, font)
    top = line + _MARGIN if title else 0
    height = top + picture.height + (len(rows) * line + 2 * _MARGIN if rows else 0)
    canvas = Image.new('RGB', (width, height), _BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    if title:
        room = width - 2 * _MARGIN
        pen.text((_MARGIN, _MARGIN // 2), shorten(printable(title), room, font), DIM, font)
    canvas.paste(picture, ((width - picture.width) // 2, top))
    draw_legend(pen, rows, (_MARGIN, top + picture.height + _MARGIN), font, line)
    return np.asarray(canvas)


def enlarged(
    image: npt.NDArray[np.uint8], side: int, spacing_mm: tuple[float, float] | None = None
) -> tuple[Image.Image, tuple[float, float]]:
    """Bring an image to the size and shape it is shown in.

    Args:
        image: [H, W] or [H, W, 3] RGB.
        side: Least length of the longer side.
        spacing_mm: Distance of pixel centres; None for square pixels.

    Returns:
        The picture, RGB, and its pixels for one of the image, along x and y.
    """
    picture = Image.fromarray(image).convert('RGB')
    shape = (1.0, 1.0)
    if spacing_mm is not None:
        rows, columns = spacing_mm
        if abs(rows / columns - 1) > _SQUARE:
            shape = (columns / min(rows, columns), rows / min(rows, columns))
    longest = max(length * factor for length, factor in zip(picture.size, shape, strict=True))
    zoom = min(max(1.0, side / longest), _LARGEST / longest)
    size = (
        max(1, round(picture.width * shape[0] * zoom)),
        max(1, round(picture.height * shape[1] * zoom)),
    )
    scale = (size[0] / picture.width, size[1] / picture.height)
    smaller = min(scale) < 1
    method = Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC
    return picture.resize(size, method), scale


def _draw_ruler(picture: Image.Image, mm_per_pixel: float) -> None:
    """Draw a ruler at the lower right, at most a fifth of the picture long."""
    room = picture.width / 5 * mm_per_pixel
    length = next((mm for mm in _RULER_MM if mm <= room), None)
    if length is None:
        return
    pixels = round(length / mm_per_pixel)
    font = font_for(max(picture.size), 56)
    pen = ImageDraw.Draw(picture)
    right, bottom = picture.width - _MARGIN, picture.height - _MARGIN
    for colour, grow in (((0, 0, 0), 1), ((235, 235, 235), 0)):
        box = (right - pixels - grow, bottom - 2 - grow, right + grow, bottom + grow)
        pen.rectangle(box, fill=colour)
    text = f'{length} mm'
    corner = (right - font.getlength(text), bottom - font.size * 1.5)
    pen.text(corner, text, (235, 235, 235), font, stroke_width=1, stroke_fill=(0, 0, 0))
