"""Where in an image the words of a phrase are seen."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .draw_overlay import enlarged
from .grid import draw_grid
from .legend import DIM, INK
from .lettering import font_for, printable, shorten

__all__ = ['draw_heat_map', 'draw_heat_maps', 'heat_colours']

_BACKGROUND = (18, 18, 20)
_STEPS = np.array([
    (0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99),
    (212, 72, 66), (245, 125, 21), (250, 193, 39), (252, 255, 164),
], np.float64)  # fmt: skip
"""Eight colours of matplotlib's ``inferno`` (CC0), whose brightness rises evenly."""
_MOST_COVER = 0.65


def heat_colours(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Colour values in [0, 1]; brighter is more, also in grey and for colour-blind readers.

    Args:
        values: Of any shape; others than [0, 1] are clipped.

    Returns:
        uint8 RGB of the shape and 3.
    """
    places = np.clip(values, 0, 1) * (len(_STEPS) - 1)
    channels = [np.interp(places, np.arange(len(_STEPS)), _STEPS[:, c]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def draw_heat_map(
    image: npt.NDArray[np.uint8],
    heat: npt.NDArray[np.floating],
    phrase: str,
    *,
    side: int = 512,
    most: float = 1.0,
) -> npt.NDArray[np.uint8]:
    """Lay the alignment of a phrase over an image; where there is none, the image stays as it is.

    Args:
        image: [H, W] or [H, W, 3] RGB.
        heat: (h, w), probabilities in [0, 1] over the whole image, at any resolution.
        phrase: Shown on top, with the largest value.
        side: Longer side of the picture in pixels.
        most: Probability of the brightest colour.

    Returns:
        [height, width, 3] uint8 RGB.

    Raises:
        ValueError: If the map is not two-dimensional, or ``most`` not positive.
    """
    if heat.ndim != 2 or not most > 0:
        raise ValueError(
            f'Expected a map [h, w] and a positive `most`, got {list(heat.shape)} and {most}.'
        )
    picture, _ = enlarged(image, side)
    wide = Image.fromarray(heat.astype(np.float32)).resize(picture.size, Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(wide, np.float32) / most, 0, 1)
    cover = (_MOST_COVER * np.sqrt(share))[..., None]
    mixed = np.asarray(picture) * (1 - cover) + heat_colours(share) * cover
    font = font_for(max(*picture.size, side), 38)
    line = round(font.size * 1.5)
    canvas = Image.new('RGB', (picture.width, picture.height + line), _BACKGROUND)
    canvas.paste(Image.fromarray(np.rint(mixed).astype(np.uint8)), (0, line))
    pen = ImageDraw.Draw(canvas)
    value = f'{float(heat.max(initial=0)):.2f}'
    room = picture.width - font.getlength(value) - 3 * font.size
    pen.text((6, 2), shorten(printable(phrase), room, font), INK, font)
    pen.text((picture.width - 6 - font.getlength(value), 2), value, DIM, font)
    return np.asarray(canvas)


def draw_heat_maps(
    image: npt.NDArray[np.uint8],
    heats: npt.NDArray[np.floating],
    phrases: Sequence[str],
    *,
    side: int = 384,
    columns: int = 3,
) -> npt.NDArray[np.uint8]:
    """Draw the maps of several phrases in a grid, on one scale, so that they can be compared.

    Args:
        image: [H, W] or [H, W, 3] RGB.
        heats: (P, h, w), probabilities in [0, 1].
        phrases: The P phrases, at least one.
        side: Longer side of each picture.
        columns: Pictures in a row.

    Returns:
        [height, width, 3] uint8 RGB.

    Raises:
        ValueError: If there is not one map for each phrase.
    """
    if len(heats) != len(phrases) or not len(phrases):
        raise ValueError(f'Expected a map for each phrase, got {len(heats)} and {len(phrases)}.')
    most = max(float(np.max(heats)), 1e-6)
    tiles = [
        Image.fromarray(draw_heat_map(image, heat, phrase, side=side, most=most))
        for heat, phrase in zip(heats, phrases, strict=True)
    ]
    return np.asarray(draw_grid(tiles, columns, _BACKGROUND))
