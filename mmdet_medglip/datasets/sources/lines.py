"""Records parsed from lines of JSON on access; only byte offsets and columns stay in memory."""

import json
import mmap
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.routing import AUTO
from mmdet_medglip.structures import Instance, Record

from .base import InstanceTable, RecordSource

__all__ = ['BAD_BOXES', 'LineSource', 'fit_box', 'relative_path', 'text_field']

BAD_BOXES = ('error', 'drop')
"""What to do with a box that is empty, not finite or outside its image."""


class LineSource(RecordSource):
    """Base of the annotation files: one JSON object per image.

    Opening parses every line once: it checks all records, so that bad input fails before training
    starts, and keeps one number per record and column. A subclass turns one parsed object into
    a :class:`Record` (``_record``).

    Args:
        path: The annotation file.
        image_root: Folder that image names are relative to.
        ontology: Names that modalities and labels are parsed by.
        modality: Modality of records that name none.
        bad_boxes: ``'error'``, or ``'drop'`` to leave such boxes out and log how many.
        label_map: Label numbers or names of the file to names the ontology knows; others are
            parsed as they are.
        lines: The lines themselves, where they are not those of ``path``.
    """

    def __init__(
        self,
        path: Path,
        image_root: Path,
        ontology: Ontology,
        modality: str | None = None,
        bad_boxes: str = 'error',
        label_map: Mapping[str, str] | None = None,
        lines: list[bytes] | None = None,
    ) -> None:
        if bad_boxes not in BAD_BOXES:
            raise ValueError(
                f"filter_cfg['bad_boxes'] must be one of {BAD_BOXES}, got {bad_boxes!r}."
            )
        self.origin = str(path)
        self.image_root = image_root
        self.ontology = ontology
        self.bad_boxes = bad_boxes
        self.label_map = {str(label): name for label, name in (label_map or {}).items()}
        self._path = path
        self._modality = modality
        self._dropped = 0
        self._names_splits = False
        self._blob = None if lines is None else np.frombuffer(b''.join(lines), dtype=np.uint8)
        self._map: mmap.mmap | None = None
        if lines is None and path.stat().st_size == 0:
            raise ValueError(f'{path} is empty: expected one JSON object per line.')
        lengths = _line_lengths(path) if lines is None else [len(line) for line in lines]
        self._bounds = np.cumsum([0, *lengths], dtype=np.int64)
        self._drop_blank_lines()
        self._scan()

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Record:
        return self._parse(index)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_map': None}

    def column(self, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the codes and values of ``modality``, ``split`` or ``source``."""
        return self._columns[name]

    def instance_table(self) -> InstanceTable:
        """Return the labels and masks found when the file was opened."""
        return self._table

    @property
    def declared_labels(self) -> tuple[str, ...]:
        """Label ids of the label map and those that occur in the file."""
        mapped = (self.ontology.parse_label(name) for name in self.label_map.values())
        return tuple(dict.fromkeys([*mapped, *self._table.names]))

    @abstractmethod
    def _record(self, data: dict[str, Any]) -> Record:
        """Turn one parsed line into a record."""

    def _line(self, index: int) -> bytes:
        start, end = int(self._starts[index]), int(self._ends[index])
        if self._blob is not None:
            return self._blob[start:end].tobytes()
        if self._map is None:
            with self._path.open('rb') as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[start:end]

    def _drop_blank_lines(self) -> None:
        starts, ends = self._bounds[:-1], self._bounds[1:]
        self._starts, self._ends = starts, ends
        full = [bool(self._line(i).strip()) for i in range(len(starts))]
        self._starts, self._ends = starts[full], ends[full]
        self._line_numbers = np.flatnonzero(full) + 1
        del self._bounds

    def _parse(self, index: int) -> Record:
        where = f'{self.origin}, line {self._line_numbers[index]}'
        if self._blob is not None:
            where = f'{self.origin}, image {index}'
        try:
            data = json.loads(self._line(index))
            if not isinstance(data, dict):
                raise ValueError(f'it is a {type(data).__name__}, expected an object')
        except (ValueError, RecursionError) as error:
            raise ValueError(f'{where} is not valid JSON ({error}): correct the file.') from error
        try:
            return self._record(data).validate(self.ontology, open_modality=True)
        except KeyError as error:
            raise ValueError(f'{where} has no field {error}: add it.') from error
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f'{where}: {error}') from error

    def _scan(self) -> None:
        columns = {name: _Codes() for name in ('modality', 'split', 'source')}
        labels, codes, masks, offsets = _Codes(), [], [], [0]
        for index in range(len(self)):
            record = self._parse(index)
            for name, column in columns.items():
                column.add(getattr(record, name))
            for instance in record.instances:
                codes.append(labels.code(instance.label))
                masks.append(instance.mask is not None)
            offsets.append(len(codes))
        if not self._names_splits:
            columns['split'] = _Codes([None] * len(self))
        self._columns = {name: column.arrays() for name, column in columns.items()}
        self._table = InstanceTable(
            tuple(labels.values),
            np.array(codes, dtype=np.int16),
            np.array(masks, dtype=bool),
            np.array(offsets, dtype=np.int64),
        )
        if self._dropped:
            print_log(
                f'{self.origin}: left out {self._dropped} boxes that are empty, not finite or '
                "outside their image (filter_cfg bad_boxes='drop').",
                logger='current',
            )

    def _common(self, data: dict[str, Any], image_id: str, file_name: str) -> dict[str, Any]:
        """Return the fields of a record that both file formats share, under the same keys."""
        modality = data.get('modality', self._modality)
        if modality is None:
            raise ValueError(
                f'record {image_id!r} names no modality: add a "modality" field, pass '
                "modalities= with exactly one entry, or modalities='auto' to find it."
            )
        self._names_splits |= 'split' in data
        for key in ('body_region', 'view', 'rescale_type', 'caption'):
            if data.get(key) is not None:
                text_field(data, key)
        optional = ('body_region', 'view', 'spacing_mm', 'rescale_slope', 'rescale_intercept')
        return {
            'image_id': image_id,
            'image_path': relative_path(file_name, image_id),
            'height': data['height'],
            'width': data['width'],
            'modality': AUTO if modality == AUTO else self.ontology.parse_modality(modality),
            'source': data.get('source', self._path.stem),
            'patient_id': str(data.get('patient_id', image_id)),
            'split': data.get('split', 'train'),
            'rescale_type': data.get('rescale_type'),
            **{key: data[key] for key in optional if key in data},
        }

    def _instance(
        self, box: Any, width: int, height: int, label: str | None, **fields: Any
    ) -> Instance | None:
        """Build an instance; None if its box is bad and such boxes are dropped."""
        box = fit_box(box, width, height)
        if self.bad_boxes == 'drop' and not _is_good(box, width, height):
            self._dropped += 1
            return None
        if label is not None:
            label = self.ontology.parse_label(self.label_map.get(label, label))
        return Instance(bbox=box, label=label, **fields)


class _Codes:
    """Give each distinct value a number, in order of appearance; None is -1."""

    def __init__(self, values: Sequence[str | None] = ()) -> None:
        self.values: dict[str, int] = {}
        self._codes = [self.code(value) for value in values]

    def code(self, value: str | None) -> int:
        return -1 if value is None else self.values.setdefault(value, len(self.values))

    def add(self, value: str | None) -> None:
        self._codes.append(self.code(value))

    def arrays(self) -> tuple[np.ndarray, tuple[str, ...]]:
        return np.array(self._codes, dtype=np.int32), tuple(self.values)


def fit_box(box: Any, width: int, height: int) -> Any:
    """Move the corners of a box that rounding put at most one pixel outside onto the border.

    Args:
        box: ``(x1, y1, x2, y2)`` in pixels.
        width: Image width in pixels.
        height: Image height in pixels.

    Returns:
        The box; unchanged if it is no box or lies further outside, which is an error elsewhere.

    Example:
        >>> fit_box([-0.5, 2, 10.25, 8], width=10, height=8)
        [0.0, 2, 10.0, 8]
    """
    try:
        x1, y1, x2, y2 = box
        limits = ((x1, width), (y1, height), (x2, width), (y2, height))
        return [
            min(max(v, 0.0), float(size)) if -1 <= v < 0 or size < v <= size + 1 else v
            for v, size in limits
        ]
    except (TypeError, ValueError):
        return box


def relative_path(name: str, image_id: str) -> str:
    """Return an image name that stays inside the image folder.

    Raises:
        ValueError: If ``name`` is absolute or contains ``..``.
    """
    name = str(name)
    path = PurePosixPath(name.replace('\\', '/'))
    if path.is_absolute() or '..' in path.parts or not path.parts or '\0' in name:
        raise ValueError(
            f'image name {name[:300]!r} of record {image_id[:300]!r} must be relative to the '
            "image folder and without '..': change data_prefix or the file."
        )
    return str(path)


def text_field(data: Mapping[str, Any], key: str) -> str:
    """Return a field that must be text.

    Raises:
        KeyError: It is missing.
        ValueError: It is no text.
    """
    if not isinstance(data[key], str):
        raise ValueError(f'{key!r} must be text, got {data[key]!r:.80}')
    return data[key]


def _is_good(box: Any, width: int, height: int) -> bool:
    try:
        x1, y1, x2, y2 = box
        return 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
    except (TypeError, ValueError):
        return False


def _line_lengths(path: Path) -> list[int]:
    with path.open('rb') as file:
        return [len(line) for line in file]
