"""One region of an image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ['Box', 'Instance', 'Rle']

Box = tuple[float, float, float, float]
Rle = Mapping[str, Any]


@dataclass(frozen=True)
class Instance:
    """One region of an image: its box, and its label or phrase.

    Values are brought to plain Python types here; a :class:`Record` checks them against its
    image, because only the record can say which image is wrong.

    Args:
        bbox: Box ``(x1, y1, x2, y2)`` in pixels, half open, rounded to float32.
        label: Label id of the ontology; None where only a phrase is known.
        phrase: Words of the source for this region; None if it has none.
        tokens_positive: Spans ``[start, end)`` of characters in the record's caption that name
            the region; empty if the caption does not.
        mask: COCO compressed RLE of the record's height and width; None without a mask.
        is_crowd: Whether the box holds an uncounted group.
        volume_instance_id: Name of the 3-D object this slice belongs to; None outside volumes.
        annotator: Who or what drew the region; None if unknown.

    Raises:
        ValueError: If ``bbox`` is not four numbers or a span is not two integers.

    Example:
        >>> Instance(bbox=(2, 3, 6, 8), label='liver').bbox
        (2.0, 3.0, 6.0, 8.0)
    """

    bbox: Box
    label: str | None = None
    phrase: str | None = None
    tokens_positive: tuple[tuple[int, int], ...] = ()
    mask: Rle | None = None
    is_crowd: bool = False
    volume_instance_id: str | None = None
    annotator: str | None = None

    def __post_init__(self) -> None:
        """Convert the box to float32 values, spans to tuples and a mask to its plain form."""
        object.__setattr__(self, 'bbox', _as_box(self.bbox))
        object.__setattr__(self, 'tokens_positive', _as_spans(self.tokens_positive))
        if isinstance(self.mask, Mapping) and isinstance(self.mask.get('counts'), bytes | str):
            object.__setattr__(self, 'mask', _as_rle(self.mask))


def _as_box(value: Any) -> Box:
    try:
        box = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        box = np.empty(0, dtype=np.float32)
    if box.shape != (4,):
        raise ValueError(f"'bbox' must be four numbers (x1, y1, x2, y2), got {value!r}.")
    return tuple(box.tolist())


def _as_spans(value: Any) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((int(start), int(end)) for start, end in value or ())
    except (TypeError, ValueError):
        raise ValueError(
            f"'tokens_positive' must be pairs of character positions, got {value!r}."
        ) from None


def _as_rle(mask: Mapping[str, Any]) -> dict[str, Any]:
    counts = mask['counts']
    text = counts.decode('ascii') if isinstance(counts, bytes) else counts
    return {'size': list(mask.get('size', ())), 'counts': text}
