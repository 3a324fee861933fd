"""Draw truth and predictions of one image side by side.

Every phrase has one colour in both panels. The image is enlarged until its longer side has at
least ``panel_size`` pixels, so that names stay readable on small inputs.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .box_marks import choose_texts, draw_marks
from .drawn_boxes import DrawnBoxes, check_drawn, legend_of, marks_of
from .legend import DIM, INK, draw_legend, legend_rows
from .lettering import font_for, printable, shorten
from .palette import phrase_colours

__all__ = ['DrawnBoxes', 'draw_grounding', 'phrase_colours']

_BACKGROUND = (18, 18, 20)
_MARGIN = 10
_LEAST_FONT_SIDE = 500


def draw_grounding(
    image: npt.NDArray[np.uint8],
    phrases: Sequence[str],
    truth: DrawnBoxes,
    predictions: DrawnBoxes,
    *,
    title: str = '',
    panel_size: int = 512,
) -> npt.NDArray[np.uint8]:
    """Truth on the left, predictions on the right, a legend of their phrases below.

    Args:
        image: [H, W] or [H, W, 3] RGB.
        phrases: All phrases of the prompt; the legend lists those that have a box.
        truth: Truth boxes.
        predictions: Predicted boxes, in any order.
        title: One line on top, for example modality and image id.
        panel_size: Least length in pixels of the longer side of a panel.

    Returns:
        [height, width, 3] uint8 RGB.

    Raises:
        ValueError: If the image is not uint8 [H, W] or [H, W, 3], or a box names no phrase.
    """
    check_drawn(image, len(phrases), truth=truth, predictions=predictions)
    picture = Image.fromarray(image).convert('RGB')
    scale = max(1.0, panel_size / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    resample = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.NEAREST
    picture = picture.resize((width, height), resample)
    font = font_for(max(width, height, _LEAST_FONT_SIDE), 38)
    line = round(font.size * 1.5)
    panels = {'truth': truth, 'predictions': predictions}
    chosen = {
        name: choose_texts(marks_of(drawn, phrases, (scale, scale)), picture.size, font)
        for name, drawn in panels.items()
    }
    total_width = 2 * width + 3 * _MARGIN
    numbered = any(short for _, short in chosen.values())
    entries = legend_of((truth, predictions), phrases, numbered=numbered)
    rows = legend_rows(entries, total_width - 2 * _MARGIN, font)
    top = 2 * line + _MARGIN
    canvas = Image.new(
        'RGB', (total_width, top + height + len(rows) * line + 2 * _MARGIN), _BACKGROUND
    )
    pen = ImageDraw.Draw(canvas)
    room = total_width - 2 * _MARGIN
    pen.text((_MARGIN, _MARGIN // 2), shorten(printable(title), room, font), INK, font)
    for number, (name, (marks, _)) in enumerate(chosen.items()):
        left = _MARGIN + number * (width + _MARGIN)
        pen.text((left, line + _MARGIN // 2), f'{name} ({len(marks)})', DIM, font)
        panel = picture.copy()
        draw_marks(panel, marks, font)
        canvas.paste(panel, (left, top))
    draw_legend(pen, rows, (_MARGIN, top + height + _MARGIN), font, line)
    return np.asarray(canvas)
