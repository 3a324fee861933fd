"""Colours of phrases that colour-blind readers tell apart, also on grey images.

The eight first ones were searched for: every two differ by at least 26 in CIE L*a*b* (1976), for
normal sight and for the three kinds of dichromacy as Machado et al. simulate them (IEEE TVCG 2009);
those of Okabe and Ito come to 16. Each is light enough for black text on it and for a line on a
dark image, and none is grey.
"""

import colorsys

__all__ = ['DISTINCT', 'Colour', 'is_dashed', 'phrase_colours']

Colour = tuple[int, int, int]

_FIRST: tuple[Colour, ...] = (
    (13, 255, 255), (204, 139, 10), (115, 115, 255), (225, 255, 166),
    (255, 13, 94), (255, 215, 13), (181, 166, 255), (133, 204, 168),
)  # fmt: skip

DISTINCT = len(_FIRST)
"""So many phrases are told apart by colour alone; more by lines, names and numbers too."""

_NEXT_STEP = 0.07
_LEAST_LUMINANCE = 0.48
_LUMINANCE = (0.299, 0.587, 0.114)


def phrase_colours(number: int) -> list[Colour]:
    """Colours of the phrases of a prompt.

    Args:
        number: How many, 0 gives none; the first ones do not depend on it.

    Returns:
        RGB in [0, 255]. From the ninth on they are neighbours of the first ones.
    """
    return [_shifted(_FIRST[index % DISTINCT], index // DISTINCT) for index in range(number)]


def is_dashed(index: int) -> bool:
    """Whether boxes of a phrase have dashed lines, so that its colour's first owner has not."""
    return index // DISTINCT % 2 == 1


def _shifted(colour: Colour, turns: int) -> Colour:
    if not turns:
        return colour
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    rgb = colorsys.hsv_to_rgb((hue + turns * _NEXT_STEP) % 1, max(saturation, 0.35), value)
    luminance = sum(weight * channel for weight, channel in zip(_LUMINANCE, rgb, strict=True))
    white = max(0.0, (_LEAST_LUMINANCE - luminance) / (1 - luminance))
    red, green, blue = (round(255 * (channel + white * (1 - channel))) for channel in rgb)
    return red, green, blue
