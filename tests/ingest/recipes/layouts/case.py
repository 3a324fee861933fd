"""What a recipe must give on a tiny data set in its documented layout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ['Box', 'Layout', 'Seen']

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Seen:
    """One expected image.

    Args:
        name: Its name in the source.
        regions: Label id and box of each region, in any order.
        patient: Patient as the source names it.
        split: Its split; None if a hash of the patient chooses it.
        modality: Modality id, where it is not that of the recipe.
    """

    name: str
    regions: Sequence[tuple[str, Box]] = ()
    patient: str | None = None
    split: str | None = None
    modality: str | None = None


@dataclass(frozen=True)
class Layout:
    """A tiny data set.

    Args:
        make: Writes its files below the folder of the data set.
        seen: All images that must come of it, in any order.
        rejects: Reasons of what is left out, with counts.
    """

    make: Callable[[Path], None]
    seen: Sequence[Seen]
    rejects: Sequence[tuple[str, int]] = ()
