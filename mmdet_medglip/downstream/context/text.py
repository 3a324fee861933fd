"""Regions as a paragraph that a language model reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..regions import ImageRegions
from .places import grid_places, lung_zones, say_sides

__all__ = ['NOTHING_FOUND', 'TEXT_FORMS', 'describe_regions']

NOTHING_FOUND = 'No region was found in the image.'
"""The paragraph of an image without regions."""


@dataclass(frozen=True)
class _Form:
    """How places are written: what the first line says of them, and the words of each region."""

    title: str
    places: Callable[[ImageRegions, str], list[str]]
    says_sides: bool = False


def describe_regions(
    regions: ImageRegions,
    form: str = 'normalised',
    *,
    sides: str = 'image',
    scores: bool = True,
    numbered: bool = False,
) -> str:
    """List the regions of an image, one line each, below a line that says what they are.

    Args:
        regions: Of one image, in the order in which they are listed.
        form: How a place is written: ``normalised`` (fractions of width and height, two decimals),
            ``per_mille`` (whole thousandths, as Qwen2-VL counts), ``pixel`` (whole
            pixels of the original image), ``places`` (words, see :func:`grid_places`) or
            ``lung_zones`` (see :func:`lung_zones`).
        sides: Whose left and right the words of places mean; the other forms have no sides.
        scores: Whether each line ends in the score.
        numbered: Whether each line begins with its number from 1, as marks are drawn.

    Returns:
        The paragraph; without regions the one line that none was found.

    Raises:
        ValueError: There is no such form or convention, or zones cannot be named.

    Example:
        >>> regions = ImageRegions('a', 100, 200, 'ct', ('liver',), [[20, 10, 100, 60]], [0.934])
        >>> print(describe_regions(regions, 'pixel'))
        Regions found in the image, as [x1, y1, x2, y2] in pixels (200 x 100), score:
        liver at [20, 10, 100, 60], 0.93
    """
    if form not in _FORMS:
        raise ValueError(f'form must be one of {", ".join(_FORMS)}, got {form!r}.')
    sentence = say_sides(sides)
    if not len(regions):
        return NOTHING_FOUND
    how = _FORMS[form]
    title = how.title.format(width=regions.width, height=regions.height)
    title += ', score:' if scores else ':'
    lines = [f'{sentence} {title}' if how.says_sides else title]
    words = zip(regions.labels, how.places(regions, sides), regions.scores.tolist(), strict=True)
    for number, (label, place, score) in enumerate(words, start=1):
        line = f'[{number}] {label} {place}' if numbered else f'{label} {place}'
        lines.append(f'{line}, {score:.2f}' if scores else line)
    return '\n'.join(lines)


def _normalised(regions: ImageRegions, sides: str) -> list[str]:
    return [
        f'at [{x1 / regions.width:.2f}, {y1 / regions.height:.2f}, '
        f'{x2 / regions.width:.2f}, {y2 / regions.height:.2f}]'
        for x1, y1, x2, y2 in regions.boxes.tolist()
    ]


def _whole(regions: ImageRegions, width: float, height: float) -> list[str]:
    """Boxes in whole steps of an image that is so many steps wide and high."""
    factors = (width / regions.width, height / regions.height) * 2
    return [
        f'at {[round(value * factor) for value, factor in zip(box, factors, strict=True)]}'
        for box in regions.boxes.tolist()
    ]


def _per_mille(regions: ImageRegions, sides: str) -> list[str]:
    return _whole(regions, 1000, 1000)


def _pixel(regions: ImageRegions, sides: str) -> list[str]:
    return _whole(regions, regions.width, regions.height)


def _places(regions: ImageRegions, sides: str) -> list[str]:
    return [f'in the {place} of the image' for place in grid_places(regions, sides)]


def _lung_zones(regions: ImageRegions, sides: str) -> list[str]:
    return [f'in the {zone}' for zone in lung_zones(regions, sides)]


_TITLE = 'Regions found in the image'
_FORMS = {
    'normalised': _Form(f'{_TITLE}, as [x1, y1, x2, y2] in fractions of its size', _normalised),
    'per_mille': _Form(f'{_TITLE}, as [x1, y1, x2, y2] in thousandths of its size', _per_mille),
    'pixel': _Form(f'{_TITLE}, as [x1, y1, x2, y2] in pixels ({{width}} x {{height}})', _pixel),
    'places': _Form(_TITLE, _places, says_sides=True),
    'lung_zones': _Form(_TITLE, _lung_zones, says_sides=True),
}

TEXT_FORMS = tuple(_FORMS)
"""Names of the forms."""
