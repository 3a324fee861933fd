"""Draw truth and predictions of one image side by side.

Every phrase has one colour in both panels. The image is enlarged until its longer side has at
least ``panel_size`` pixels, so that names stay readable on small inputs.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

__all__ = ['DrawnBoxes', 'draw_grounding', 'phrase_colours']

Colour = tuple[int, int, int]
Rectangle = tuple[float, float, float, float]

_BACKGROUND, _TEXT, _DIM = (18, 18, 20), (240, 240, 240), (160, 160, 165)
_MARGIN = 10
_GOLDEN_ANGLE = 0.61803398875
_LEAST_LUMINANCE = 0.5


@dataclass(frozen=True)
class DrawnBoxes:
    """Boxes of one panel.

    Args:
        boxes: [N, 4] xyxy in pixels of the drawn image; N = 0 draws the image alone.
        phrases: [N] index of each box's phrase.
        scores: [N] in [0, 1], shown behind the name; None shows the name alone.

    Raises:
        ValueError: If the lengths differ.
    """

    boxes: npt.NDArray
    phrases: Sequence[int]
    scores: Sequence[float] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.boxes), len(self.phrases)}
        lengths |= set() if self.scores is None else {len(self.scores)}
        if len(lengths) > 1:
            raise ValueError(
                f'Expected one phrase and one score per box, got {len(self.boxes)} boxes, '
                f'{len(self.phrases)} phrases and {self.scores and len(self.scores)} scores.'
            )


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
        predictions: Predicted boxes, best last or first; drawn in the order given.
        title: One line on top, for example modality and image id.
        panel_size: Least length in pixels of the longer side of a panel.

    Returns:
        [height, width, 3] uint8 RGB.

    Raises:
        ValueError: If the image is not uint8 [H, W] or [H, W, 3], or a box names no phrase.
    """
    _check(image, phrases, truth, predictions)
    picture = Image.fromarray(image).convert('RGB')
    scale = max(1.0, panel_size / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    resample = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.NEAREST
    picture = picture.resize((width, height), resample)
    font_size = max(13, round(max(width, height) / 38))
    font, line = ImageFont.load_default(font_size), round(font_size * 1.5)
    colours = phrase_colours(len(phrases))
    shown = sorted({*map(int, truth.phrases), *map(int, predictions.phrases)})
    total_width = 2 * width + 3 * _MARGIN
    legend = _legend_layout([phrases[i] for i in shown], total_width, font, line)
    legend_height = legend[-1][1] + line if legend else 0
    top = 2 * line + _MARGIN
    canvas = Image.new(
        'RGB', (total_width, top + height + legend_height + 2 * _MARGIN), _BACKGROUND
    )
    pen = ImageDraw.Draw(canvas)
    pen.text((_MARGIN, _MARGIN // 2), _fit(title, total_width - 2 * _MARGIN, font), _TEXT, font)
    for number, (name, boxes) in enumerate((('truth', truth), ('predictions', predictions))):
        left = _MARGIN + number * (width + _MARGIN)
        pen.text((left, line + _MARGIN // 2), f'{name} ({len(boxes.boxes)})', _DIM, font)
        panel = _draw_panel(picture, boxes, scale, phrases, colours, font)
        canvas.paste(panel, (left, top))
    for (x, y), phrase in zip(legend, shown, strict=True):
        y += top + height + _MARGIN
        pen.rectangle((x, y + 3, x + font_size, y + 3 + font_size), fill=colours[phrase])
        pen.text((x + font_size + 6, y), phrases[phrase], _TEXT, font)
    return np.asarray(canvas)


def phrase_colours(number: int) -> list[Colour]:
    """Colours that stand out on grey images and differ from their neighbours.

    Args:
        number: How many, 0 gives none; the first ones do not depend on it.

    Returns:
        RGB in [0, 255], each bright enough for black text on it.
    """
    return [
        _bright(0.08 + index * _GOLDEN_ANGLE, (0.85, 0.55)[index // 5 % 2])
        for index in range(number)
    ]


def _bright(hue: float, saturation: float) -> Colour:
    rgb = np.array(colorsys.hsv_to_rgb(hue % 1, saturation, 1.0))
    luminance = float(rgb @ (0.299, 0.587, 0.114))
    white = max(0.0, (_LEAST_LUMINANCE - luminance) / (1 - luminance))
    red, green, blue = np.rint(255 * (rgb + white * (1 - rgb))).astype(int).tolist()
    return red, green, blue


def _draw_panel(
    picture: Image.Image,
    drawn: DrawnBoxes,
    scale: float,
    phrases: Sequence[str],
    colours: Sequence[Colour],
    font: ImageFont.FreeTypeFont,
) -> Image.Image:
    panel = picture.copy()
    pen = ImageDraw.Draw(panel)
    rectangles = [_rectangle(box, scale, panel.size) for box in np.asarray(drawn.boxes, float)]
    for rectangle, phrase in zip(rectangles, drawn.phrases, strict=True):
        pen.rectangle(rectangle, outline=(0, 0, 0), width=4)
        pen.rectangle(rectangle, outline=colours[phrase], width=2)
    taken: list[Rectangle] = []
    for number, phrase in enumerate(drawn.phrases):
        label = _fit(phrases[phrase], panel.width * 0.6, font)
        if drawn.scores is not None:
            label += f' {drawn.scores[number]:.2f}'
        text_box = pen.textbbox((0, 0), label, font)
        tag = _place_tag(number, rectangles, text_box, panel.size, taken)
        taken.append(tag)
        pen.rectangle(tag, fill=colours[phrase])
        pen.text((tag[0] + 3, tag[1] + 1), label, (0, 0, 0), font)
    return panel


def _rectangle(box: npt.NDArray, scale: float, size: tuple[int, int]) -> Rectangle:
    limit = np.array([*size, *size]) - 1
    x1, y1, x2, y2 = np.clip(box * scale, 0, limit).tolist()
    return (x1, y1, max(x1, x2), max(y1, y2))


def _place_tag(
    own: int,
    rectangles: Sequence[Rectangle],
    text_box: tuple[float, ...],
    size: tuple[int, int],
    taken: Sequence[Rectangle],
) -> Rectangle:
    """Place a tag at its box where it hides least of other tags and of small boxes."""
    x1, y1, x2, y2 = rectangles[own]
    width, height = text_box[2] + 6, text_box[3] + 4
    middle = (y1 + y2 - height) / 2
    corners = [
        (x1, y1 - height), (x2 - width, y1 - height), (x1, y2 + 1), (x2 - width, y2 + 1),
        (x2 + 1, middle), (x1 - width, middle), (x2 + 1, y1 - height), (x1 - width, y2),
        (x1, y1), (x2 - width, y2 - height),
    ]  # fmt: skip

    def hidden(tag: Rectangle) -> float:
        tags = sum(_overlap(tag, other) for other in taken)
        boxes = sum(_overlap(tag, box) ** 2 / max(1.0, _overlap(box, box)) for box in rectangles)
        return tags + boxes

    candidates = []
    for x, y in corners:
        x = min(max(x, 0), size[0] - width)
        y = min(max(y, 0), size[1] - height)
        candidates.append((x, y, x + width, y + height))
    return min(candidates, key=hidden)


def _overlap(first: Rectangle, second: Rectangle) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def _legend_layout(
    names: Sequence[str], width: int, font: ImageFont.FreeTypeFont, line: int
) -> list[tuple[int, int]]:
    """Top-left corner of each legend entry, in rows no wider than the canvas."""
    corners: list[tuple[int, int]] = []
    x, y = _MARGIN, 0
    for name in names:
        entry = math.ceil(font.getlength(name) + 2.5 * line)
        if x > _MARGIN and x + entry > width:
            x, y = _MARGIN, y + line
        corners.append((x, y))
        x += entry
    return corners


def _fit(text: str, width: float, font: ImageFont.FreeTypeFont) -> str:
    """Shorten a text to a width in pixels, marking the cut."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + '…') > width:
        text = text[:-1]
    return text + '…'


def _check(
    image: npt.NDArray, phrases: Sequence[str], truth: DrawnBoxes, predictions: DrawnBoxes
) -> None:
    if image.dtype != np.uint8 or not (
        image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    ):
        raise ValueError(
            f'Expected a uint8 image [H, W] or [H, W, 3], got {image.dtype} {list(image.shape)}.'
        )
    for name, drawn in (('truth', truth), ('predictions', predictions)):
        wrong = [int(i) for i in drawn.phrases if not 0 <= i < len(phrases)]
        if wrong:
            raise ValueError(f'Boxes of {name} name phrases {wrong} of {len(phrases)}.')
