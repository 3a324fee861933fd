"""Choices of how slice boxes become 3-D boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ['LinkSettings', 'VolumeScore']

VolumeScore = Literal['max', 'mean']


@dataclass(frozen=True)
class LinkSettings:
    """Choices of :func:`.linking.link_boxes`.

    Attributes:
        overlap: Two boxes of neighbouring slices may be one object if at least this share of the
            smaller one lies on the other, in (0, 1].
        max_gap: Slices between them that may lack a box, at least 0.
        min_score: Slice boxes below this score are left out.
        end_score: An object ends where scores stay below this share of its best, in [0, 1]; 0 ends
            it at its last box. Detectors answer faintly beyond the ends of what they found.
        min_slices: Objects on fewer slices are left out, at least 1.
        score: Score of an object: ``max``, that of its best slice, or ``mean``, over all slices
            from its first to its last, one without a box counting 0.
        nms_iou: Of two objects of one label with a larger 3-D IoU only the surer stays, in (0, 1];
            1 keeps both.

    Raises:
        ValueError: A value is out of range.
    """

    overlap: float = 0.3
    max_gap: int = 1
    min_score: float = 0.0
    end_score: float = 0.5
    min_slices: int = 1
    score: VolumeScore = 'max'
    nms_iou: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ('overlap', 'nms_iou'):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f'{name} must lie in (0, 1], got {getattr(self, name)}.')
        if not 0 <= self.end_score <= 1:
            raise ValueError(f'end_score must lie in [0, 1], got {self.end_score}.')
        for name, least in (('max_gap', 0), ('min_slices', 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f'{name} must be a whole number >= {least}, got {value!r}.')
        if self.score not in get_args(VolumeScore):
            raise ValueError(f'score must be one of {get_args(VolumeScore)}, got {self.score!r}.')
