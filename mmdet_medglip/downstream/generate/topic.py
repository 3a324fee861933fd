"""A label of an image, as a question sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmdet_medglip.ingest.noun_phrases import is_mass
from mmdet_medglip.ontology import Ontology

from .found_object import FoundObject
from .image_facts import ImageFacts

__all__ = ['Topic']

_LARGER = 1.1
"""Two areas count as different from this ratio on."""


@dataclass(frozen=True)
class Topic:
    """One label of one image, and what a question about it may draw on.

    Attributes:
        facts: Of the image.
        label: Label id.
        rng: Makes the choices of the question.
        ontology: Names of labels.
        thresholds: Length in mm, by label, that sizes are compared with.
    """

    facts: ImageFacts
    label: str
    rng: np.random.Generator
    ontology: Ontology
    thresholds: Mapping[str, float]

    @property
    def name(self) -> str:
        """Name of the label."""
        return self.ontology.display_name(self.label)

    @property
    def plural(self) -> str:
        """Name of several."""
        return self.ontology.info(self.label).plural

    @property
    def is_mass(self) -> bool:
        """Whether the name is not counted, as in ``pneumonia``."""
        return is_mass(self.name)

    @property
    def is_lesion(self) -> bool:
        """Whether it is a finding."""
        return self.ontology.is_lesion(self.label)

    @property
    def is_counted(self) -> bool:
        """Whether it is a finding of which each has a box of its own."""
        by_parts = self.ontology.box_policy(self.label) == 'components'
        return self.is_lesion and by_parts and not self.is_mass

    @property
    def objects(self) -> tuple[FoundObject, ...]:
        """Its objects; none if it is absent."""
        return self.facts.objects.get(self.label, ())

    @property
    def sides(self) -> str | None:
        """``left``, ``right`` or ``both sides``.

        None for what is no finding, has its side in the name, is absent, or lies in part where no
        side is known.
        """
        if not self.objects or not self.is_lesion or self.ontology.side(self.label) is not None:
            return None
        sides = {one.side for one in self.objects}
        if None in sides:
            return None
        return 'both sides' if len(sides) == 2 else str(sides.pop())

    @property
    def unlike_pair(self) -> tuple[str, str] | None:
        """A left organ and the right one, in an order drawn at random, if they differ in size."""
        if self.ontology.side(self.label) != 'left' or self.is_lesion:
            return None
        other = self.ontology.opposite(self.label)
        if other is None or not (self.facts.has(self.label) and self.facts.has(other)):
            return None
        areas = sorted(self.facts.largest(name).area for name in (self.label, other))
        if areas[1] < _LARGER * areas[0]:
            return None
        return (self.label, other) if self.rng.integers(2) else (other, self.label)
