"""Text in pictures: its font, what of it fits, and what of it is printed."""

import re

from PIL import ImageFont

__all__ = ['Font', 'font_for', 'printable', 'shorten']

Font = ImageFont.FreeTypeFont

_LEAST = 11
_CONTROL = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


def font_for(side: int, share: int = 42) -> Font:
    """Return the font for a picture.

    Args:
        side: Its longer side in pixels.
        share: So many lines of text would fill it; no letter gets smaller than 11 pixels.

    Raises:
        RuntimeError: Pillow was built without FreeType.
    """
    font = ImageFont.load_default(max(_LEAST, round(side / share)))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError(
            'Pillow was built without FreeType: install a Pillow wheel to draw text.'
        )
    return font


def shorten(text: str, width: float, font: Font) -> str:
    """Cut a text to a width in pixels, in its middle, where ids differ least."""
    if font.getlength(text) <= width:
        return text
    keep = len(text)
    while keep > 2 and font.getlength(_cut(text, keep)) > width:
        keep -= 1
    return _cut(text, keep)


def printable(text: str) -> str:
    """Take out characters that break lines or turn the direction of writing."""
    return ' '.join(_CONTROL.sub(' ', text).split())


def _cut(text: str, keep: int) -> str:
    head = (keep + 1) // 3
    return f'{text[:head]}…{text[len(text) - (keep - head) :]}'
