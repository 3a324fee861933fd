"""One region of an image, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from mmdet_medglip.ontology.names import Side
from mmdet_medglip.structures import Box

__all__ = ['FoundObject', 'zone_of']

_ROWS = ('upper', 'middle', 'lower')
_COLUMNS = ('left', 'centre', 'right')


@dataclass(frozen=True)
class FoundObject:
    """One region and what follows from its box.

    Attributes:
        label: Label id.
        box: xyxy in pixels of the image, half open.
        side: Side of the patient: that of its name, else of the organ it lies in; None where
            neither says one.
        host: Label id of the sided organ it lies in; None without.
        length_mm: Longer side of the box in mm; None where the image has no spacing.
        zone: Where in the image its centre lies, see :func:`zone_of`.
    """

    label: str
    box: Box
    side: Side | None
    host: str | None
    length_mm: float | None
    zone: str

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)


def zone_of(box: Box, height: int, width: int) -> str:
    """Say in which ninth of an image the centre of a box lies, as the image is shown.

    Args:
        box: xyxy in pixels.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Returns:
        Such as ``'upper left'``, ``'middle right'`` or ``'lower centre'``; ``'centre'`` in the
        middle.

    Example:
        >>> zone_of((0, 0, 10, 10), 90, 90), zone_of((40, 40, 50, 50), 90, 90)
        ('upper left', 'centre')
    """
    x, y = (box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height
    row, column = _ROWS[min(int(3 * y), 2)], _COLUMNS[min(int(3 * x), 2)]
    return 'centre' if (row, column) == ('middle', 'centre') else f'{row} {column}'
