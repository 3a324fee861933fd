"""Boxes and facts in the columns of a table."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmdet_medglip.structures import Box

from ..outlines import RegionError

__all__ = ['BOX_COLUMNS', 'FACTS', 'box_kind', 'boxes_of', 'facts_of']

BOX_COLUMNS: Mapping[str, tuple[str, ...]] = {
    'xyxy': ('x1', 'y1', 'x2', 'y2'),
    'xywh': ('x', 'y', 'w', 'h'),
    'cxcywh': ('cx', 'cy', 'w', 'h'),
}
"""Columns of each kind of box."""

_SPLIT = re.compile(r'[\s,;()\[\]]+')
_EMPTY = ('', 'nan', 'none', 'null', 'na')


def box_kind(columns: Mapping[str, Any], bbox: str) -> str | None:
    """Tell how the columns hold a box.

    Args:
        columns: Columns by role.
        bbox: Kind of the boxes in a column ``bbox``.

    Returns:
        A key of :data:`BOX_COLUMNS`; None if there is no box.

    Raises:
        ValueError: If the columns of a box are incomplete, or of two kinds.
    """
    roles = {role for names in BOX_COLUMNS.values() for role in names} & set(columns)
    if 'bbox' in columns:
        if roles or bbox not in BOX_COLUMNS:
            raise ValueError(
                f"a column 'bbox' needs 'bbox' to be one of {', '.join(BOX_COLUMNS)} and no other "
                f'column of a box, got {bbox!r} and {sorted(roles)}'
            )
        return bbox
    for kind, names in BOX_COLUMNS.items():
        if roles == set(names):
            return kind
    if roles:
        raise ValueError(
            'columns of a box must be x1, y1, x2, y2, or x, y, w, h, or cx, cy, w, h, or bbox; '
            f'got {", ".join(sorted(roles))}'
        )
    return None


def boxes_of(cells: Sequence[str], kind: str, relative: bool, size: tuple[int, int]) -> list[Box]:
    """Read the boxes of a row.

    Args:
        cells: The four columns of a box, or the one column that holds all numbers of one or more.
        kind: Key of :data:`BOX_COLUMNS`.
        relative: Whether they are shares of the image's size.
        size: ``(height, width)`` of the image in pixels.

    Returns:
        Boxes ``(x1, y1, x2, y2)`` in pixels; none if the cells are empty.

    Raises:
        RegionError: If a cell is not a number, or the numbers are not four to a box.
    """
    words = [word for word in _SPLIT.split(cells[0]) if word] if len(cells) == 1 else list(cells)
    if all(word.lower() in _EMPTY for word in words):
        return []
    if len(words) % 4:
        raise RegionError(f'a box needs 4 numbers, got {len(words)}: {cells[0]!r:.60}')
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise RegionError(f'box must be numbers, got {", ".join(words)!r:.80}') from None
    scale = (size[1], size[0], size[1], size[0]) if relative else (1, 1, 1, 1)
    boxes = []
    for start in range(0, len(values), 4):
        a, b, c, d = (v * s for v, s in zip(values[start : start + 4], scale, strict=True))
        if kind == 'xywh':
            boxes.append((a, b, a + c, b + d))
        elif kind == 'cxcywh':
            boxes.append((a - c / 2, b - d / 2, a + c / 2, b + d / 2))
        else:
            boxes.append((a, b, c, d))
    return boxes


def _spacing(text: str) -> tuple[float, float]:
    """Read ``x, y`` or ``x, y, z`` in mm as the spacing of rows and columns."""
    values = _numbers(text)
    x, y = values[0], values[1] if len(values) > 1 else values[0]
    if not (x > 0 and y > 0):
        raise ValueError
    return y, x


def _window(text: str) -> tuple[float, float]:
    """Read ``low, high`` as centre and width."""
    low, high = _numbers(text)[:2]
    if high <= low:
        raise ValueError
    return (low + high) / 2, high - low


def _numbers(text: str) -> list[float]:
    values = [float(word) for word in _SPLIT.split(text) if word]
    if not values or not all(math.isfinite(value) for value in values):
        raise ValueError
    return values


FACTS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    'patient': ('patient', str),
    'split': ('folder', str),
    'study': ('study', str),
    'series': ('series', str),
    'view': ('view', str),
    'modality': ('modality', str),
    'body_region': ('body_region', str),
    'slice': ('slice_index', lambda text: int(float(text))),
    'spacing': ('spacing_mm', _spacing),
    'window': ('window', _window),
}
"""Field of ``SourceImage`` and how it is read, by the role of a column."""


def facts_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """Read what a row tells about its image.

    Args:
        cells: Cell by role; empty cells tell nothing.

    Returns:
        Fields of ``SourceImage``.

    Raises:
        ValueError: If a cell is not of the form its role needs.
    """
    facts = {}
    for role, text in cells.items():
        if text and role in FACTS:
            field, read = FACTS[role]
            try:
                facts[field] = read(text)
            except (ValueError, OverflowError):
                raise ValueError(f'column {role!r} cannot be read: {text!r:.60}') from None
    return facts
