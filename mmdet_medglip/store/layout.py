"""Layout of a store on disk, version 2, shared by its writers and its reader.

A store is a folder:

- ``store.json``: name, labels, and for each source its shards with rows, bytes and SHA-256; see
  :class:`~mmdet_medglip.store.index.StoreIndex`. What it does not list is not in the
  store.
- ``shards/<source>/00000.arrow`` and so on: Arrow IPC files, uncompressed, of one record batch
  each, one row per image, in the columns of :data:`SCHEMA`. The first columns are an index, for
  selecting without reading records; the last, ``record``, holds the whole record.
- ``images/<modality>/<source>/...``: the image files.
- ``rejects.parquet``: what of the sources was left out, and why.

A record is one MessagePack array of the fields of :class:`StoredRecord` in their order, a region
one of :class:`StoredInstance`. It is one run of bytes, so that one ``pread`` fetches it and no
page of the file becomes resident; columns of nested values would make all of them resident
within one random walk. Fields may only be appended, with a default: older files then still read.
"""

import math
import struct
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from mmdet_medglip.structures import SPLITS, Instance, Record

__all__ = [
    'IMAGES_DIR',
    'INDEX_COLUMNS',
    'INGEST_DIR',
    'REJECTS_FILE',
    'SCHEMA',
    'SHARDS_DIR',
    'STORE_FILE',
    'STORE_FORMAT',
    'STORE_VERSION',
    'StoredInstance',
    'StoredRecord',
    'decode_record',
    'encode_record',
]

STORE_FORMAT = 'mmdet-medglip-store'
STORE_VERSION = 2
STORE_FILE = 'store.json'
REJECTS_FILE = 'rejects.parquet'
SHARDS_DIR = 'shards'
IMAGES_DIR = 'images'
INGEST_DIR = '.ingest'

_NAMES = pa.dictionary(pa.int16(), pa.string())

SCHEMA = pa.schema(
    [
        pa.field('image_id', pa.string(), nullable=False),
        pa.field('patient_id', pa.string(), nullable=False),
        pa.field('split', _NAMES, nullable=False),
        pa.field('modality', _NAMES, nullable=False),
        pa.field('source', _NAMES, nullable=False),
        pa.field('labels', pa.list_(_NAMES), nullable=False),
        pa.field('has_mask', pa.list_(pa.bool_()), nullable=False),
        pa.field('fingerprint', pa.binary(), nullable=False),
        pa.field('record', pa.binary(), nullable=False),
    ],
    metadata={'format': STORE_FORMAT, 'version': str(STORE_VERSION)},
)
"""Columns of a shard. ``labels`` and ``has_mask`` have one entry per region, a null label where a
region has a phrase only. ``fingerprint`` describes the pixels, to find copies; empty if unknown."""

INDEX_COLUMNS = tuple(name for name in SCHEMA.names if name != 'record')

_BOX = struct.Struct('<4f')


class StoredInstance(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One region: an array of these values.

    Attributes:
        bbox: Four little-endian float32, ``(x1, y1, x2, y2)``.
        mask: Counts of the COCO compressed RLE; its size is that of the record.
    """

    bbox: bytes
    label: str | None
    phrase: str | None
    tokens_positive: tuple[tuple[int, int], ...]
    mask: str | None
    is_crowd: bool
    volume_instance_id: str | None
    annotator: str | None


class StoredRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One record: an array of these values, named as in :class:`Record`."""

    image_id: str
    height: int
    width: int
    modality: str
    source: str
    patient_id: str
    image_path: str
    split: str
    instances: tuple[StoredInstance, ...]
    caption: str | None
    body_region: str | None
    licence: str | None
    study_id: str | None
    series_id: str | None
    slice_index: int | None
    spacing_mm: tuple[float, float] | None
    view: str | None
    rescale_slope: float
    rescale_intercept: float
    rescale_type: str | None
    flags: tuple[str, ...]
    window: tuple[float, float] | None


def _plain(value: Any) -> Any:
    """Let numbers of numpy pass as plain ones."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f'{type(value).__name__} cannot be stored')


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_DECODER = msgspec.msgpack.Decoder(StoredRecord)
_COPIED = tuple(name for name in StoredRecord.__struct_fields__ if name != 'instances')
_new = object.__new__
_set = object.__setattr__


def encode_record(record: Record) -> bytes:
    """Turn a record into the bytes of its row.

    Args:
        record: The record, ``image_path`` included.

    Returns:
        The bytes; :func:`decode_record` gives an equal record back.

    Raises:
        ValueError: If a value has a type that the layout does not know.
    """
    row = StoredRecord(
        instances=tuple(_stored(instance) for instance in record.instances),
        **{name: getattr(record, name) for name in _COPIED},
    )
    try:
        data = _ENCODER.encode(row)
        same = decode_record(data) == record
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f'Record {record.image_id!r} has a value of a wrong type: {error}.'
        ) from error
    if not same:
        raise ValueError(
            f'Record {record.image_id!r} would change when stored; use plain Python values.'
        )
    return data


def decode_record(data: bytes) -> Record:
    """Turn the bytes of a row into the record they were made from.

    Types are checked, and all that a :class:`Record` promises but the runs of masks; and that the
    image lies in the store.

    Args:
        data: What :func:`encode_record` returned.

    Returns:
        The record.

    Raises:
        ValueError: If the bytes are not those of a record.
    """
    try:
        row = _DECODER.decode(data)
        size = [row.height, row.width]
        _check_row(row)
        length = len(row.caption or '')
        instances = tuple([_instance(item, size, length) for item in row.instances])
    except (msgspec.MsgspecError, ValueError, struct.error) as error:
        raise ValueError(f'not a stored record ({error})') from error
    record = _new(Record)
    # In the order of the dataclass, and past its checks, which cost more than all the rest.
    fields = {
        'image_id': row.image_id,
        'height': row.height,
        'width': row.width,
        'modality': row.modality,
        'source': row.source,
        'patient_id': row.patient_id,
        'image_path': row.image_path,
        'split': row.split,
        'instances': instances,
        'caption': row.caption,
        'body_region': row.body_region,
        'licence': row.licence,
        'study_id': row.study_id,
        'series_id': row.series_id,
        'slice_index': row.slice_index,
        'spacing_mm': row.spacing_mm,
        'view': row.view,
        'rescale_slope': row.rescale_slope,
        'rescale_intercept': row.rescale_intercept,
        'rescale_type': row.rescale_type,
        'flags': row.flags,
        'window': row.window,
    }
    _set(record, '__dict__', fields)
    return record


def _stored(instance: Instance) -> StoredInstance:
    return StoredInstance(
        bbox=_BOX.pack(*instance.bbox),
        label=instance.label,
        phrase=instance.phrase,
        tokens_positive=instance.tokens_positive,
        mask=None if instance.mask is None else instance.mask['counts'],
        is_crowd=instance.is_crowd,
        volume_instance_id=instance.volume_instance_id,
        annotator=instance.annotator,
    )


def _check_row(row: StoredRecord) -> None:
    path, window, spacing = row.image_path, row.window, row.spacing_mm
    if not all(map(str.strip, (row.image_id, row.modality, row.source, row.patient_id))):
        raise ValueError('its id, modality, source or patient is empty')
    if row.split not in SPLITS or not all(row.flags):
        raise ValueError(f'its split is {row.split[:80]!r}, its flags {row.flags!r:.80}')
    if row.height < 1 or row.width < 1:
        raise ValueError(f'its size is {row.height} x {row.width}')
    if path.startswith('/') or '\0' in path or '..' in path.split('/'):
        raise ValueError(f'its image {path[:80]!r} lies outside the store')
    if not 0 < abs(row.rescale_slope) < math.inf or not abs(row.rescale_intercept) < math.inf:
        raise ValueError('its rescale slope or intercept is no finite number, or the slope is 0')
    if window is not None and not (abs(window[0]) < math.inf and 0 < window[1] < math.inf):
        raise ValueError(f'its window is {window}')
    if spacing is not None and not (0 < spacing[0] < math.inf and 0 < spacing[1] < math.inf):
        raise ValueError(f'its spacing is {spacing}')


def _instance(row: StoredInstance, size: list[int], length: int) -> Instance:
    x1, y1, x2, y2 = box = _BOX.unpack(row.bbox)
    if not (0 <= x1 < x2 <= size[1] and 0 <= y1 < y2 <= size[0]):
        raise ValueError(f'its box {box} is none in {size}')
    if row.label is None and not row.phrase and not row.tokens_positive:
        raise ValueError('a region has neither label, phrase nor span')
    for start, end in row.tokens_positive:
        if not 0 <= start < end <= length:
            raise ValueError(f'its span {(start, end)} is none in a caption of {length}')
    instance = _new(Instance)
    counts = row.mask
    fields = {
        'bbox': box,
        'label': row.label,
        'phrase': row.phrase,
        'tokens_positive': row.tokens_positive,
        'mask': None if counts is None else {'size': list(size), 'counts': counts},
        'is_crowd': row.is_crowd,
        'volume_instance_id': row.volume_instance_id,
        'annotator': row.annotator,
    }
    _set(instance, '__dict__', fields)
    return instance
