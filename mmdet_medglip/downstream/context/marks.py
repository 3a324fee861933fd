"""Set-of-mark: regions drawn on the image under numbers that a question or a text can name.

Idea: Yang et al., Set-of-Mark Prompting Unleashes Extraordinary Visual Grounding in GPT-4V,
arXiv 2310.11441. Boxes stand for its masks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mmdet_medglip.visualization.draw_grounding import phrase_colours

from ..regions import ImageRegions
from .pictures import check_picture

__all__ = ['draw_marks']

_FONT_SHARE = 1 / 32
_LEAST_FONT = 11


def draw_marks(image: npt.NDArray[np.uint8], regions: ImageRegions) -> npt.NDArray[np.uint8]:
    """Draw the outline and the number of each region, from 1 in their order.

    A number stands in a filled tag of its region's colour: in the upper left corner inside its box,
    or, where the box is too small to be seen under it, above or below it. Tags keep clear of each
    other as far as the image allows.

    Args:
        image: uint8 [H, W] or [H, W, 3] RGB of the regions' size.
        regions: Of the image; without any it is returned as it is, in RGB.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: The image is of another kind or size.
    """
    picture = Image.fromarray(check_picture(image, regions)).copy()
    pen = ImageDraw.Draw(picture)
    longest = max(picture.size)
    font = ImageFont.load_default(max(_LEAST_FONT, round(longest * _FONT_SHARE)))
    line = max(1, round(longest / 256))
    colours = phrase_colours(len(regions))
    outlines = [_outline(box, picture.size) for box in regions.boxes.tolist()]
    for outline, colour in zip(outlines, colours, strict=True):
        pen.rectangle(outline, outline=(0, 0, 0), width=2 * line)
        pen.rectangle(outline, outline=colour, width=line)
    taken: list[tuple[float, float, float, float]] = []
    for number, (outline, colour) in enumerate(zip(outlines, colours, strict=True), start=1):
        _, _, right, bottom = pen.textbbox((0, 0), str(number), font)
        tag = _place(outline, (right + 4, bottom + 4), picture.size, taken)
        taken.append(tag)
        pen.rectangle(tag, fill=colour)
        pen.text((tag[0] + 2, tag[1] + 1), str(number), (0, 0, 0), font)
    return np.asarray(picture)


def _outline(box: list[float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Pixels of a half-open box, last ones included."""
    x1, y1 = int(box[0]), int(box[1])
    x2, y2 = int(np.ceil(box[2])) - 1, int(np.ceil(box[3])) - 1
    return x1, y1, min(max(x1, x2), size[0] - 1), min(max(y1, y2), size[1] - 1)


def _place(
    outline: tuple[int, int, int, int],
    tag: tuple[float, float],
    size: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    """Place a tag where it covers least of its own box and of other tags."""
    x1, y1, x2, y2 = outline
    width, height = tag
    is_small = (x2 - x1) < 3 * width or (y2 - y1) < 3 * height
    inside = [(x1, y1), (x2 - width, y1), (x1, y2 - height), (x2 - width, y2 - height)]
    beside = [(x1, y1 - height - 1), (x1, y2 + 1), (x2 + 1, y1), (x1 - width - 1, y1)]
    best: tuple[float, float, float, float] | None = None
    least = np.inf
    for x, y in beside + inside if is_small else inside + beside:
        x, y = min(max(x, 0), size[0] - width - 1), min(max(y, 0), size[1] - height - 1)
        place = (x, y, x + width, y + height)
        covered = sum(_overlap(place, other) for other in taken)
        covered += _overlap(place, outline) if is_small else 0
        if covered < least:
            best, least = place, covered
    assert best is not None
    return best


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
