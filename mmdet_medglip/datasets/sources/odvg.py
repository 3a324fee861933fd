"""ODVG files: one JSON object per line with detection boxes or grounded phrases."""

import json
from pathlib import Path
from typing import Any

from mmdet_medglip.structures import Instance, Record

from .lines import LineSource, text_field

__all__ = ['OdvgSource', 'read_label_map']


class OdvgSource(LineSource):
    """Read MMDetection's ODVG format (``*.jsonl``), both kinds of line in one file.

    ``{"filename", "height", "width", "detection": {"instances": [{"bbox", "label", "category"}]}}``
    is a detection record: ``category`` names the label, or ``label`` is looked up in the label
    map. ``{..., "grounding": {"caption", "regions": [{"phrase", "bbox", "tokens_positive"}]}}`` is
    a grounding record; ``bbox`` is one box or a list of boxes. Boxes are ``(x1, y1, x2, y2)``. A
    line with neither is a negative image. Optional fields of a line: ``image_id``, ``modality``,
    ``split``, ``source``, ``patient_id``, ``body_region``, ``view``, ``spacing_mm``,
    ``rescale_slope``, ``rescale_intercept``, ``rescale_type``; of an instance or region:
    ``mask`` (COCO RLE), ``is_crowd``.
    """

    def _record(self, data: dict[str, Any]) -> Record:
        name = data['filename']
        fields = self._common(data, str(data.get('image_id', name)), name)
        size = (data['width'], data['height'])
        if 'grounding' in data:
            grounding = data['grounding']
            fields['caption'] = text_field(grounding, 'caption')
            instances = self._regions(grounding['regions'], size)
        else:
            found = data.get('detection', {}).get('instances', [])
            instances = [self._detection(entry, size) for entry in found]
        return Record(**fields, instances=tuple(i for i in instances if i is not None))

    def _detection(self, entry: dict[str, Any], size: tuple[int, int]) -> Instance | None:
        return self._instance(entry['bbox'], *size, self._label(entry), **_extras(entry))

    def _regions(
        self, regions: list[dict[str, Any]], size: tuple[int, int]
    ) -> list[Instance | None]:
        instances = []
        for region in regions:
            boxes = region['bbox']
            boxes = boxes if boxes and isinstance(boxes[0], list) else [boxes]
            for box in boxes:
                instances.append(
                    self._instance(
                        box,
                        *size,
                        None,
                        phrase=text_field(region, 'phrase'),
                        tokens_positive=region['tokens_positive'],
                        **_extras(region),
                    )
                )
        return instances

    def _label(self, entry: dict[str, Any]) -> str:
        if 'category' in entry:
            return entry['category']
        label = str(entry['label'])
        if label not in self.label_map:
            raise ValueError(
                f'label {label[:80]!r} has no category and is not in the label map '
                f'{sorted(self.label_map)[:20]}: pass label_map= or correct the file.'
            )
        return label


def read_label_map(path: Path) -> dict[str, str]:
    """Read a label map, ``{"0": "liver", "1": "spleen"}``.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not a JSON object of strings.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Label map {path} does not exist: check label_map.')
    try:
        data = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        raise ValueError(f'Label map {path} is not valid JSON ({error}).') from error
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data.values()):
        raise ValueError(
            f'Label map {path} must be a JSON object from label to name, got {type(data).__name__}.'
        )
    return {str(label): name for label, name in data.items()}


def _extras(entry: dict[str, Any]) -> dict[str, Any]:
    return {'mask': entry.get('mask'), 'is_crowd': bool(entry.get('is_crowd', False))}
