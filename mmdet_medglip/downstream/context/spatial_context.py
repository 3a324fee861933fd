"""One choice of how regions are handed to a model, and what it makes of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..regions import ImageRegions
from .crops import crop_regions
from .marks import draw_marks
from .pictures import check_picture
from .places import say_sides
from .text import TEXT_FORMS, describe_regions

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ['GivenContext', 'SpatialContext']


@dataclass(frozen=True, eq=False)
class GivenContext:
    """What a model is given of one image.

    Attributes:
        text: What is said of the regions; empty where nothing is.
        pictures: uint8 [H, W, 3] each: the image, with marks where these are wanted, then crops.
    """

    text: str
    pictures: tuple[npt.NDArray[np.uint8], ...]


@dataclass(frozen=True)
class SpatialContext:
    """Hand regions to a model as text, marks and crops, in any combination.

    Attributes:
        text: A form of :func:`describe_regions`; None says nothing of places.
        marks: Whether regions are drawn on the image, see :func:`draw_marks`; the text then names
            their numbers.
        max_crops: How many regions are added as pictures of their own, the first ones.
        margin: Share of a box that a crop has around it, see :func:`crop_regions`.
        sides: Whose left and right words of places mean: ``image``, ``radiological`` or
            ``neurological``. It is never guessed from the modality.
        scores: Whether the text names scores.

    Raises:
        ValueError: An option is unknown or out of range.

    Example:
        >>> context = SpatialContext(text='places', sides='radiological')
        >>> regions = ImageRegions('a', 90, 90, 'xray', ('nodule',), [[0, 0, 20, 20]], [0.9])
        >>> context.give(np.zeros((90, 90), np.uint8), regions).text.splitlines()[1]
        'nodule in the upper right of the image, 0.90'
    """

    text: str | None = 'normalised'
    marks: bool = False
    max_crops: int = 0
    margin: float = 0.15
    sides: str = 'image'
    scores: bool = True

    def __post_init__(self) -> None:
        if self.text is not None and self.text not in TEXT_FORMS:
            raise ValueError(
                f'text must be one of {", ".join(TEXT_FORMS)}, or None, got {self.text!r}.'
            )
        if self.max_crops < 0:
            raise ValueError(f'max_crops must be at least 0, got {self.max_crops}.')
        if not 0 <= self.margin < np.inf:
            raise ValueError(f'margin must be at least 0, got {self.margin}.')
        say_sides(self.sides)

    def settings(self) -> dict[str, Any]:
        """Return the options by name, to write down what was given."""
        return asdict(self)

    def describe(self, regions: ImageRegions | None) -> str:
        """Say what a model reads of the regions.

        Args:
            regions: Of one image; None stands for no context at all, unlike no region.

        Returns:
            The paragraph of the text, then what marks and further pictures are; empty for None,
            and where neither is wanted.
        """
        if regions is None:
            return ''
        lines = []
        if self.text is not None:
            lines.append(
                describe_regions(
                    regions,
                    self.text,
                    sides=self.sides,
                    scores=self.scores,
                    numbered=self.marks,
                )
            )
        if self.marks and len(regions):
            lines.append('The boxes drawn in the image have the numbers of the regions.')
            if self.text is None:
                lines[-1] = f'The boxes drawn in the image are {_numbered(regions.labels)}.'
        shown = regions.labels[: self.max_crops]
        if shown:
            pictures = (f'picture {place} {label}' for place, label in enumerate(shown, start=2))
            lines.append(f'Picture 1 is the image; enlarged from it, {", ".join(pictures)}.')
        return '\n'.join(lines)

    def give(self, image: npt.NDArray[np.uint8], regions: ImageRegions | None) -> GivenContext:
        """Make text and pictures of an image.

        Args:
            image: uint8 [H, W] or [H, W, 3] RGB, the one the regions are of.
            regions: Of the image; None gives the image alone.

        Raises:
            ValueError: The image is of another kind or size than the regions.
        """
        if regions is None:
            return GivenContext('', (check_picture(image),))
        picture = draw_marks(image, regions) if self.marks else check_picture(image, regions)
        shown = regions.take(range(min(self.max_crops, len(regions))))
        crops = crop_regions(image, shown, self.margin) if len(shown) else []
        return GivenContext(self.describe(regions), (picture, *crops))

    @staticmethod
    def tokens(
        maps: Sequence[Tensor],
        regions: ImageRegions,
        strides: Sequence[int],
        scale_factor: tuple[float, float] = (1.0, 1.0),
    ) -> Tensor:
        """Pool a vector of each region from a detector's maps, see :func:`pool_regions`.

        Args:
            maps: L maps [C, h, w] of the image, the finest first.
            regions: Of the image; N may be 0.
            strides: Pixels of the network's input for one step of each map.
            scale_factor: Width and height of the network's input per pixel of the original image,
                as MMDetection's ``metainfo['scale_factor']`` has it.

        Returns:
            [N, C].
        """
        import torch

        from .tokens import pool_regions

        scale = torch.tensor([*scale_factor, *scale_factor])
        return pool_regions(maps, torch.from_numpy(regions.boxes.copy()) * scale, strides)


def _numbered(labels: Sequence[str]) -> str:
    return ', '.join(f'[{number}] {label}' for number, label in enumerate(labels, start=1))
