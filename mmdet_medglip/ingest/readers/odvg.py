"""ODVG: one JSON object per line, with detection boxes or grounded phrases."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmdet_medglip.registry import READERS

from ..annotation_files import decode_text, load_json, parse_json
from ..outlines import RegionError, checked_rle, numbers
from ..paths import inside
from ..source import SourceRegion
from .base import RecipeError
from .listing import ListedImage, ListingReader

__all__ = ['OdvgReader']

_MAX_LINE = 64_000_000
_TEXTS = {'split': 'folder', 'patient_id': 'patient', 'study_id': 'study', 'series_id': 'series'}
_SAME = ('modality', 'view', 'body_region')


@READERS.register_module()
class OdvgReader(ListingReader):
    """Read MMDetection's ODVG format (``*.jsonl``), both kinds of line in one file.

    A line holds ``filename``, ``height``, ``width`` and either ``detection: {instances: [{bbox,
    label, category}]}`` or ``grounding: {caption, regions: [{phrase, bbox, tokens_positive}]}``;
    boxes are ``[x1, y1, x2, y2]``, several of them in a region. The name of a region is its
    category, what the label map says of its label, or its phrase. A line with neither is a
    negative. Optional fields of a line are ``split``, ``patient_id``, ``study_id``,
    ``series_id``, ``modality``, ``view`` and ``body_region``; of an instance or region ``mask``
    (COCO run length) and ``is_crowd``.

    Lines stay in the file; only their positions are kept.

    Args:
        root: Folder of the data set.
        **common: See :class:`ListingReader` and :class:`Reader`. Each of ``annotations`` may also
            have ``label_map``, a JSON file ``{"0": "liver"}``.

    Raises:
        RecipeError: If an option is wrong.
    """

    entry_keys: ClassVar[frozenset[str]] = ListingReader.entry_keys | {'label_map'}

    def __init__(self, root: str | Path, **common: Any) -> None:
        super().__init__(root, **common)
        self._label_maps = {
            entry['file']: _label_map(inside(self.root, entry['label_map']))
            for entry in self._entries
            if 'label_map' in entry
        }

    def open(self, path: Path, entry: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
        """Check that the file is there, and add its label map."""
        if not path.is_file():
            raise FileNotFoundError(f'ODVG file {path} does not exist.')
        return path, self._label_maps.get(entry['file'], {})

    def declared_names(self, document: Any) -> Sequence[str]:
        """Return the names of the label map."""
        return list(document[1].values())

    def listed(self, document: Any, file: str) -> Iterator[ListedImage]:
        """Yield an image per line; a line that is none is a reject."""
        for number, (start, line) in enumerate(_lines(document[0]), start=1):
            if not line.strip():
                continue
            try:
                data = _parse(line, document[0], start)
            except ValueError as error:
                self.reject(file, 'line is not valid', f'line {number}: {error}')
                continue
            fields = {to: str(data[key]) for key, to in _TEXTS.items() if data.get(key) is not None}
            fields |= {key: str(data[key]) for key in _SAME if data.get(key) is not None}
            grounding = data.get('grounding')
            if isinstance(grounding, dict) and isinstance(grounding.get('caption'), str):
                fields['caption'] = grounding['caption']
            yield ListedImage(
                data['filename'],
                {'file': file, 'start': start, 'length': len(line)},
                bool(_entries(data)),
                height=data.get('height'),
                width=data.get('width'),
                fields=fields,
            )

    def annotations(self, payload: Mapping[str, Any]) -> Sequence[Any]:
        """Read the line of an image again."""
        path = inside(self.root, payload['file'])
        with path.open('rb') as file:
            file.seek(payload['start'])
            data = _parse(file.read(payload['length']), path, payload['start'])
        names = self._label_maps.get(payload['file'], {})
        return [(entry, names) for entry in _entries(data)]

    def regions(
        self, annotation: Any, size: tuple[int, int], annotator: str | None
    ) -> Sequence[SourceRegion]:
        """Turn an instance, or a phrase with one or more boxes, into regions."""
        entry, names = annotation
        if not isinstance(entry, dict):
            raise RegionError(f'expected an object, got {entry!r:.60}')
        phrase = entry.get('phrase')
        name = _name(entry, names)
        boxes: Any = entry.get('bbox')
        several = isinstance(boxes, list) and bool(boxes) and isinstance(boxes[0], list)
        mask = entry.get('mask')
        return [
            SourceRegion(
                name,
                tuple(numbers(box, 4, "'bbox' [x1, y1, x2, y2]")),  # type: ignore[arg-type]
                None if mask is None or several else checked_rle(mask, size),
                phrase=None if phrase is None else str(phrase),
                tokens_positive=_spans(entry.get('tokens_positive')),
                is_crowd=bool(entry.get('is_crowd', False)),
                annotator=annotator,
            )
            for box in (boxes if several else [boxes])
        ]


def _name(entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if entry.get('category') is not None:
        return str(entry['category'])
    if 'label' in entry:
        label = str(entry['label'])
        if label not in names:
            raise RegionError(f"label {label!r} has no 'category' and is not in the label map")
        return names[label]
    if isinstance(entry.get('phrase'), str) and entry['phrase'].strip():
        return str(entry['phrase'])
    raise RegionError("it has neither 'category', 'label' nor 'phrase'")


def _spans(given: Any) -> tuple[tuple[int, int], ...]:
    if given is None:
        return ()
    pairs = given if isinstance(given, list) else [given]
    spans = [numbers(pair, 2, "'tokens_positive' [start, end]") for pair in pairs]
    if any(value != int(value) for span in spans for value in span if abs(value) < 1e9):
        raise RegionError("'tokens_positive' must be whole numbers")
    if any(not 0 <= value < 1e9 for span in spans for value in span):
        raise RegionError("'tokens_positive' must be positions of characters")
    return tuple((int(start), int(end)) for start, end in spans)


def _entries(data: Mapping[str, Any]) -> list[Any]:
    """Return the instances or regions of a line."""
    for key, listed in (('detection', 'instances'), ('grounding', 'regions')):
        part = data.get(key)
        if isinstance(part, dict) and isinstance(part.get(listed), list):
            return list(part[listed])
    return []


def _parse(line: bytes, path: Path, start: int) -> dict[str, Any]:
    data = parse_json(decode_text(line, path, start), 'it')
    if not isinstance(data, dict) or not isinstance(data.get('filename'), str):
        raise ValueError("it is no object with a 'filename'")
    for key in ('detection', 'grounding'):
        if key in data and not isinstance(data[key], dict):
            raise ValueError(f'{key!r} is no object')
    return data


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their positions in bytes."""
    start = 0
    with path.open('rb') as file:
        while line := file.readline(_MAX_LINE):
            if len(line) == _MAX_LINE:
                raise RecipeError(f'{path} has a line of over {_MAX_LINE} bytes at byte {start}.')
            yield start, line
            start += len(line)


def _label_map(path: Path) -> dict[str, str]:
    data = load_json(path)
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data.values()):
        raise RecipeError(f'Label map {path} must be a JSON object from label to name.')
    return {str(label): name for label, name in data.items()}
