"""The answers to the slices of one volume, or to one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path

import numpy as np

from mmdet_medglip.volumes import SliceBoxes

from ..result import FoundBox, GroundingResult, ImageSource

__all__ = ['ResultGroup', 'SliceAnswer']


@dataclass(frozen=True)
class SliceAnswer:
    """The boxes of one slice.

    Attributes:
        path: Its file.
        index: Its number in the volume or file; None for a file of one image.
        boxes: What was found.
    """

    path: Path
    index: int | None
    boxes: tuple[FoundBox, ...]


@dataclass
class ResultGroup:
    """The answers to the slices of one volume, or to one image, as they come.

    Attributes:
        source: Of the first.
        modality: Of the first.
        slices: The slices, in the order they came.
    """

    source: ImageSource
    modality: str
    slices: list[SliceAnswer] = field(default_factory=list)

    @classmethod
    def of(cls, result: GroundingResult) -> ResultGroup:
        """Begin a group; the result is not in it yet."""
        return cls(result.source, result.modality)

    def takes(self, result: GroundingResult) -> bool:
        """Whether a result belongs to the same volume."""
        own, other = self.source, result.source
        same = (own.volume, own.input_index, own.plane) == (
            *(other.volume, other.input_index, other.plane),
        )
        return own.volume is not None and same

    def add(self, result: GroundingResult) -> None:
        """Take a result in, without its picture."""
        path = Path(result.source.path or '')
        self.slices.append(SliceAnswer(path, result.source.slice_index, result.boxes))

    @property
    def name(self) -> str:
        """What the volume or image is called."""
        return self.source.volume or self.source.name

    @property
    def names(self) -> tuple[str, ...]:
        """What was found, each name once."""
        return tuple(dict.fromkeys(box.name for one in self.slices for box in one.boxes))

    @property
    def step(self) -> int:
        """Distance of neighbouring slices in their numbers."""
        numbers = [one.index for one in self.slices if one.index is not None]
        return gcd(*(number - numbers[0] for number in numbers)) or 1

    def slice_boxes(self, numbers: Sequence[int]) -> SliceBoxes:
        """Return all boxes that are not empty; labels number :attr:`names`.

        Args:
            numbers: Number of each slice.
        """
        label_of = {name: label for label, name in enumerate(self.names)}
        rows = [
            (number, box)
            for number, one in zip(numbers, self.slices, strict=True)
            for box in one.boxes
            if box.bbox[0] < box.bbox[2] and box.bbox[1] < box.bbox[3]
        ]
        return SliceBoxes(
            np.array([box.bbox for _, box in rows], np.float64).reshape(-1, 4),
            np.array([number for number, _ in rows], np.int64),
            np.array([box.score for _, box in rows], np.float64),
            np.array([label_of[box.name] for _, box in rows], np.int64),
        )
