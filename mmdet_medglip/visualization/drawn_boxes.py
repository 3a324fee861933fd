"""Boxes of one picture, and their marks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .box_marks import BoxMark
from .legend import LegendEntry
from .palette import is_dashed, phrase_colours

__all__ = ['DrawnBoxes', 'check_drawn', 'legend_of', 'marks_of']


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


def check_drawn(image: npt.NDArray, num_phrases: int, **drawn: DrawnBoxes) -> None:
    """Check an image and the boxes on it.

    Raises:
        ValueError: If the image is not uint8 [H, W] or [H, W, 3], or a box names no phrase.
    """
    if image.dtype != np.uint8 or not (
        image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    ):
        raise ValueError(
            f'Expected a uint8 image [H, W] or [H, W, 3], got {image.dtype} {list(image.shape)}.'
        )
    for name, boxes in drawn.items():
        wrong = [int(i) for i in boxes.phrases if not 0 <= i < num_phrases]
        if wrong:
            raise ValueError(f'Boxes of {name} name phrases {wrong} of {num_phrases}.')


def marks_of(
    drawn: DrawnBoxes, phrases: Sequence[str], scale: tuple[float, float]
) -> list[BoxMark]:
    """Return the marks of boxes, large ones first, so that small ones are drawn on top.

    Args:
        drawn: The boxes.
        phrases: All phrases of the prompt; the place of one gives its colour and number.
        scale: Pixels of the picture for one of the image, along x and y.
    """
    colours = phrase_colours(len(phrases))
    boxes = np.asarray(drawn.boxes, np.float64).reshape(-1, 4) * (*scale, *scale)
    alone = len(set(map(int, drawn.phrases))) == 1
    marks = []
    for row, phrase in enumerate(map(int, drawn.phrases)):
        x1, y1, x2, y2 = boxes[row].tolist()
        score = '' if drawn.scores is None else f'{drawn.scores[row]:.2f}'
        marks.append(
            BoxMark(
                (x1, y1, x2, y2),
                colours[phrase],
                f'{phrases[phrase]} {score}'.rstrip(),
                # Of one phrase the legend says enough.
                score if alone else str(phrase + 1),
                is_dashed(phrase),
            )
        )
    return sorted(marks, key=lambda m: -(m.box[2] - m.box[0]) * (m.box[3] - m.box[1]))


def legend_of(
    drawn: Sequence[DrawnBoxes], phrases: Sequence[str], *, numbered: bool
) -> list[LegendEntry]:
    """Return an entry for each phrase that has a box.

    Args:
        drawn: Boxes of all panels.
        phrases: All phrases of the prompt.
        numbered: Whether numbers stand at the boxes: the legend says of which phrase they are, and
            the best score.
    """
    colours = phrase_colours(len(phrases))
    shown = sorted({int(phrase) for boxes in drawn for phrase in boxes.phrases})
    entries = []
    for index in shown:
        text = phrases[index]
        if numbered and len(shown) > 1:
            scores = [
                score
                for boxes in drawn
                for phrase, score in zip(
                    boxes.phrases, () if boxes.scores is None else boxes.scores, strict=False
                )
                if int(phrase) == index
            ]
            text = f'{index + 1} {text}' + (f' {max(scores):.2f}' if scores else '')
        entries.append(LegendEntry(text, colours[index], is_dashed(index)))
    return entries
