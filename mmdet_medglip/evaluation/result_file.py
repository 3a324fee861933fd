"""The result file: what a test run answered and the truth, written once, read by all measures.

A ``.npz`` of plain arrays, without pickle. Equal results make equal bytes: images are sorted by
their id, so batches, order and processes leave no trace. Per image come its strings and sizes, then
flat arrays of phrases, boxes, truth and answers above, each with its number per image. A column of
strings is UTF-8 and the length of each string in bytes. Arrays that came later may be missing in an
older file.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmdet_medglip.store.durable import replace_file
from mmdet_medglip.store.npz_faults import NPZ_FAULTS

from .image_result import ImageResult
from .results import Results

__all__ = ['load_results', 'save_results']

_FORMAT = 'mmdet_medglip results 1'
_MOST_BYTES = 4 << 30
_SMALL_BYTES = 256 << 20
_MOST_UNPACKED = 200
"""How many times its own size a file of over ``_SMALL_BYTES`` may unpack to."""
_REMEDY = 'write it again with tools/test.py --results'

_PER_IMAGE = (
    *('image_id', 'image_path', 'modality', 'body_region', 'source', 'patient_id'),
    'series_id',
)
_OF_PART = {'phrases': 'num_phrases', 'above_nodes': 'num_above', 'gt_objects': 'num_gt'}
_STRINGS = (*_PER_IMAGE, *_OF_PART)
_NO_SLICE = -1
_COUNT_OF = {
    'asked': 'num_asked',
    'presence': 'num_presence',
    'boxes': 'num_boxes',
    'scores': 'num_boxes',
    'box_phrases': 'num_boxes',
    'gt_boxes': 'num_gt',
    'gt_labels': 'num_gt',
    'gt_ignore': 'num_gt',
    'above_boxes': 'num_above',
    'above_scores': 'num_above',
}
"""Fields of an image that are stored end to end, and the array that says how many are whose."""

_ARRAYS: dict[str, tuple[npt.DTypeLike, tuple[int, ...]]] = {
    'header': (np.uint8, ()),
    'size': (np.int64, (2,)),
    'is_caption': (np.bool_, ()),
    'has_presence': (np.bool_, ()),
    'slice_index': (np.int64, ()),
    'asked': (np.int64, ()),
    'presence': (np.float64, ()),
    'boxes': (np.float32, (4,)),
    'scores': (np.float32, ()),
    'box_phrases': (np.int64, ()),
    'gt_boxes': (np.float32, (4,)),
    'gt_labels': (np.int64, ()),
    'gt_ignore': (np.bool_, ()),
    'above_boxes': (np.float32, (4,)),
    'above_scores': (np.float32, ()),
    **{name: (np.int64, ()) for name in ('num_phrases', 'num_boxes', 'num_gt', 'num_above')},
    **{f'{name}_bytes': (np.uint8, ()) for name in _STRINGS},
    **{f'{name}_lengths': (np.int64, ()) for name in _STRINGS},
}
"""Type of each array, and its shape after the first axis."""

_LATER = (
    'slice_index',
    *(f'{name}_{what}' for name in ('series_id', 'gt_objects') for what in ('bytes', 'lengths')),
)
"""Arrays that files of the first version lack, all of them: they knew no volumes."""


def save_results(path: str | Path, results: Results) -> None:
    """Write a result file, as a whole or not at all.

    Args:
        path: A ``.npz`` file, replaced if it is there; its folder is made.
        results: What to write; all values come back exactly.

    Raises:
        ValueError: The name does not end in ``.npz``.
        OSError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix != '.npz':
        raise ValueError(f'The name of a result file must end in .npz, got {path.name!r}.')
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **_to_arrays(results))  # type: ignore[arg-type]
    replace_file(path, buffer.getvalue())


def load_results(path: str | Path) -> Results:
    """Read a file of :func:`save_results`, also one that somebody else wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no result file, is damaged, or holds a value that is out of range; the
            error names what.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'There is no result file at {path}; {_REMEDY.replace(" again", "")}.'
        )
    try:
        return _from_arrays(_read_arrays(path))
    except NPZ_FAULTS as error:
        raise ValueError(
            f'{path} is no result file, or damaged: {str(error).rstrip(".")}; {_REMEDY}.'
        ) from error


def _to_arrays(results: Results) -> dict[str, npt.NDArray]:
    images = results.images
    header = {
        'format': _FORMAT,
        'classes': results.classes,
        'class_names': results.class_names,
        'config': results.config,
        'checkpoint': results.checkpoint,
        'info': dict(results.info),
    }
    columns: dict[str, Any] = {
        'header': list(json.dumps(header, sort_keys=True, ensure_ascii=False).encode()),
        'size': [(image.height, image.width) for image in images],
        'is_caption': [image.is_caption for image in images],
        'has_presence': [image.presence is not None for image in images],
        'slice_index': [
            _NO_SLICE if image.slice_index is None else image.slice_index for image in images
        ],
        'num_phrases': [len(image.phrases) for image in images],
        'num_boxes': [len(image.boxes) for image in images],
        'num_gt': [len(image.gt_boxes) for image in images],
        'num_above': [len(image.above_boxes) for image in images],
    }
    for name in _COUNT_OF:
        parts = [part for image in images if (part := getattr(image, name)) is not None]
        columns[name] = np.concatenate(parts) if parts else []
    for name in _STRINGS:
        strings = [getattr(image, name) for image in images]
        if name not in _PER_IMAGE:
            strings = [string for of_image in strings for string in of_image]
        encoded = [string.encode() for string in strings]
        columns[f'{name}_bytes'] = np.frombuffer(b''.join(encoded), np.uint8)
        columns[f'{name}_lengths'] = [len(string) for string in encoded]
    return {
        name: np.asarray(columns[name], dtype).reshape(-1, *shape)
        for name, (dtype, shape) in _ARRAYS.items()
    }


def _read_arrays(path: Path) -> dict[str, npt.NDArray]:
    """Read the arrays, each of the type and shape it must have; nothing is allocated unchecked."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        known = [name for name in _ARRAYS if f'{name}.npy' in members]
        is_older = not set(known).intersection(_LATER)
        expected = set(_ARRAYS).difference(_LATER) if is_older else set(_ARRAYS)
        missing = [name for name in _ARRAYS if name in expected.difference(known)]
        if missing:
            raise ValueError(f'it has no array {missing[0]!r}')
        most = max(_SMALL_BYTES, min(_MOST_BYTES, _MOST_UNPACKED * path.stat().st_size))
        if sum(members[f'{name}.npy'].file_size for name in known) > most:
            raise ValueError(f'its arrays take more than {most >> 20} MiB')
        arrays = {name: _read_array(archive, members[f'{name}.npy'], name) for name in known}
    return arrays | _without_volumes(arrays) if is_older else arrays


def _without_volumes(arrays: Mapping[str, npt.NDArray]) -> dict[str, npt.NDArray]:
    """Return the later arrays of an older file."""
    count, num_gt = len(arrays['size']), len(arrays['gt_labels'])
    return {
        'slice_index': np.full(count, _NO_SLICE),
        'series_id_bytes': np.empty(0, np.uint8),
        'series_id_lengths': np.zeros(count, np.int64),
        'gt_objects_bytes': np.empty(0, np.uint8),
        'gt_objects_lengths': np.zeros(num_gt, np.int64),
    }


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> npt.NDArray:
    expected, tail = _ARRAYS[name]
    with archive.open(member) as stream:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f'array {name!r} is of another version of the .npy format')
        shape, in_columns, dtype = np.lib.format.read_array_header_1_0(stream)
        size = member.file_size - stream.tell()
        if dtype != expected or in_columns or len(shape) != len(tail) + 1 or shape[1:] != tail:
            raise ValueError(
                f'array {name!r} must be {np.dtype(expected)} of shape {["N", *tail]}, got {dtype} '
                f'of shape {list(shape)}'
            )
        content = bytearray(stream.read())
    if len(content) != size or int(np.prod(shape, dtype=object)) * dtype.itemsize != size:
        raise ValueError(f'array {name!r} has {len(content)} bytes, which do not make {shape}')
    values = np.frombuffer(content, np.uint8 if dtype == np.bool_ else dtype).reshape(shape)
    return values != 0 if dtype == np.bool_ else values


def _from_arrays(arrays: Mapping[str, npt.NDArray]) -> Results:
    header = _read_header(bytes(arrays['header']))
    count = len(arrays['size'])
    for name in (
        *('is_caption', 'has_presence', 'slice_index'),
        *('num_phrases', 'num_boxes', 'num_gt', 'num_above'),
    ):
        if len(arrays[name]) != count:
            raise ValueError(f'{name} has {len(arrays[name])} entries for {count} images')
    counts = {name: arrays[name] for name in ('num_phrases', 'num_boxes', 'num_gt', 'num_above')}
    counts['num_asked'] = np.where(arrays['is_caption'], 0, counts['num_phrases'])
    counts['num_presence'] = np.where(arrays['has_presence'], counts['num_phrases'], 0)
    parts = {
        name: _split(name, arrays[name], counts[of_count]) for name, of_count in _COUNT_OF.items()
    }
    strings = {name: _strings(name, arrays) for name in _STRINGS}
    for name in _PER_IMAGE:
        if len(strings[name]) != count:
            raise ValueError(f'{name} has {len(strings[name])} entries for {count} images')
    for name, of_count in _OF_PART.items():
        parts[name] = [tuple(part) for part in _split(name, strings[name], counts[of_count])]
    images = []
    for row, (height, width) in enumerate(arrays['size'].tolist()):
        values = {name: parts[name][row] for name in parts}
        if arrays['is_caption'][row]:
            values['asked'] = None
        if not arrays['has_presence'][row]:
            values['presence'] = None
        number = int(arrays['slice_index'][row])
        values['slice_index'] = None if number == _NO_SLICE else number
        values |= {name: strings[name][row] for name in _PER_IMAGE}
        images.append(ImageResult(height=height, width=width, **values))
    return Results(images=tuple(images), **header)


def _read_header(content: bytes) -> dict[str, Any]:
    header = json.loads(content)
    if not isinstance(header, dict) or header.get('format') != _FORMAT:
        found = header.get('format') if isinstance(header, dict) else header
        raise ValueError(f'its format is {str(found)[:80]!r}, expected {_FORMAT!r}')
    known = {'format', 'classes', 'class_names', 'config', 'checkpoint', 'info'}
    if set(header) != known:
        raise ValueError(f'the header has the fields {sorted(header)[:8]}, not {sorted(known)}')
    for name in ('classes', 'class_names'):
        value = header.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f'{name} of the header must be a list of names')
        header[name] = tuple(value)
    for name in ('config', 'checkpoint'):
        if not isinstance(header.get(name), str):
            raise ValueError(f'{name} of the header must be a name')
    info = header.get('info')
    if not isinstance(info, dict) or not all(isinstance(value, str) for value in info.values()):
        raise ValueError('info of the header must map names to strings')
    del header['format']
    return header


def _strings(name: str, arrays: Mapping[str, npt.NDArray]) -> list[str]:
    lengths = arrays[f'{name}_lengths']
    return [bytes(part).decode() for part in _split(name, arrays[f'{name}_bytes'], lengths)]


def _split(name: str, values: Sequence | npt.NDArray, counts: npt.NDArray[np.int64]) -> list[Any]:
    """Cut values into runs of the given lengths."""
    numbers = counts.tolist()
    if min(numbers, default=0) < 0 or sum(numbers) != len(values):
        raise ValueError(f'{name} has {len(values)} entries, which its counts do not add up to')
    return [values[start:end] for start, end in pairwise(accumulate(numbers, initial=0))]
