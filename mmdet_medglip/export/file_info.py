"""What an exported file says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ['FileInfo']


@dataclass(frozen=True)
class FileInfo:
    """Metadata of an exported file.

    ONNX keeps text by name (``metadata_props``); what is no text is JSON there.

    Attributes:
        phrases: What each label means, in label order.
        modality: The modality whose expert the file holds.
        text: The caption that the language model read.
        version: Version of this package that wrote the file.
        mean: Subtracted from each channel, in the order of the channels; in the graph already.
        std: Divides each channel; in the graph already.
        size_divisor: The graph pads height and width to multiples of this.
        max_detections: Rows ``K`` of an image in the outputs.
        score_thr: A phrase is looked at where it scores above this, before centerness.
        iou_threshold: Of two boxes of one phrase that overlap more, the worse is dropped.

    Example:
        >>> numbers = dict(size_divisor=32, max_detections=9, score_thr=0.1, iou_threshold=0.6)
        >>> colours = dict(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        >>> info = FileInfo(('liver',), 'ct', text='liver', version='0.1', **colours, **numbers)
        >>> info.to_properties()['phrases']
        '["liver"]'
        >>> FileInfo.from_properties(info.to_properties()) == info
        True
    """

    phrases: tuple[str, ...]
    modality: str
    text: str
    version: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size_divisor: int
    max_detections: int
    score_thr: float
    iou_threshold: float

    def to_properties(self) -> dict[str, str]:
        """Text by name."""
        return {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> FileInfo:
        """Read what :meth:`to_properties` wrote; other names are passed over.

        Raises:
            ValueError: A name is missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in properties]
        if missing:
            raise ValueError(
                f'The metadata lack {", ".join(missing)}; expected a file that '
                'tools/export_onnx.py wrote.'
            )
        values = {field.name: _read(properties[field.name], field.type) for field in fields(cls)}
        return cls(**values)


def _read(text: str, kind: Any) -> Any:
    """A value as it was before it became text; ``kind`` is the annotation, as text."""
    if kind == 'str':
        return text
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value
