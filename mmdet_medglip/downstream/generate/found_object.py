"""One region of an image, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from mmdet_medglip.ontology.names import Side
from mmdet_medglip.structures import Box

__all__ = ['FoundObject']


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
        zone: Where in the image its centre lies, such as ``upper left``, see
            :func:`~mmdet_medglip.downstream.context.places.grid_places`.
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
