"""Layout of a store on disk, shared by its writer and its reader.

A store is a folder: ``store.json`` (what is in it), ``shards/00000.arrow`` and so on (Arrow IPC
files of one record batch each, one row per record), ``images/<modality>/<source>/...`` and
``skipped.jsonl`` (what could not be taken, and why).
"""

from typing import Any

import pyarrow as pa

from .instance import Instance
from .record import Record

__all__ = [
    'IMAGES_DIR',
    'SCHEMA',
    'SHARDS_DIR',
    'SKIPPED_FILE',
    'STORE_FILE',
    'STORE_FORMAT',
    'STORE_VERSION',
    'record_from_row',
    'row_from_record',
]

STORE_FORMAT = 'mmdet-medglip-store'
STORE_VERSION = 1
STORE_FILE = 'store.json'
SKIPPED_FILE = 'skipped.jsonl'
SHARDS_DIR = 'shards'
IMAGES_DIR = 'images'

_INSTANCE = pa.struct(
    [
        pa.field('bbox', pa.list_(pa.float32(), 4), nullable=False),
        pa.field('label', pa.string()),
        pa.field('phrase', pa.string()),
        pa.field('tokens_positive', pa.list_(pa.list_(pa.int32(), 2))),
        pa.field('mask_counts', pa.string()),
        pa.field('is_crowd', pa.bool_(), nullable=False),
        pa.field('volume_instance_id', pa.string()),
        pa.field('annotator', pa.string()),
    ]
)

SCHEMA = pa.schema(
    [
        pa.field('image_id', pa.string(), nullable=False),
        pa.field('image_path', pa.string(), nullable=False),
        pa.field('height', pa.int32(), nullable=False),
        pa.field('width', pa.int32(), nullable=False),
        pa.field('modality', pa.string(), nullable=False),
        pa.field('body_region', pa.string()),
        pa.field('source', pa.string(), nullable=False),
        pa.field('licence', pa.string()),
        pa.field('patient_id', pa.string(), nullable=False),
        pa.field('study_id', pa.string()),
        pa.field('series_id', pa.string()),
        pa.field('slice_index', pa.int32()),
        pa.field('spacing_mm', pa.list_(pa.float64(), 2)),
        pa.field('view', pa.string()),
        pa.field('rescale_slope', pa.float64(), nullable=False),
        pa.field('rescale_intercept', pa.float64(), nullable=False),
        pa.field('rescale_type', pa.string()),
        pa.field('split', pa.string(), nullable=False),
        pa.field('caption', pa.string()),
        pa.field('instances', pa.list_(_INSTANCE), nullable=False),
    ]
)

_PLAIN = tuple(name for name in SCHEMA.names if name not in ('spacing_mm', 'instances'))
_PLAIN_INSTANCE = ('label', 'phrase', 'is_crowd', 'volume_instance_id', 'annotator')


def row_from_record(record: Record) -> dict[str, Any]:
    """Turn a record into a row of :data:`SCHEMA`; a mask keeps its counts only."""
    row = {name: getattr(record, name) for name in _PLAIN}
    row['spacing_mm'] = None if record.spacing_mm is None else list(record.spacing_mm)
    row['instances'] = [
        {name: getattr(instance, name) for name in _PLAIN_INSTANCE}
        | {
            'bbox': list(instance.bbox),
            'tokens_positive': [list(span) for span in instance.tokens_positive] or None,
            'mask_counts': None if instance.mask is None else instance.mask['counts'],
        }
        for instance in record.instances
    ]
    return row


def record_from_row(row: dict[str, Any]) -> Record:
    """Turn a row of :data:`SCHEMA` back into the record it was made from."""
    size = [row['height'], row['width']]
    instances = tuple(
        Instance(
            bbox=item['bbox'],
            tokens_positive=item['tokens_positive'] or (),
            mask=_mask(item['mask_counts'], size),
            **{name: item[name] for name in _PLAIN_INSTANCE},
        )
        for item in row['instances']
    )
    spacing = None if row['spacing_mm'] is None else tuple(row['spacing_mm'])
    plain = {name: row[name] for name in _PLAIN}
    return Record(instances=instances, spacing_mm=spacing, **plain)


def _mask(counts: str | None, size: list[int]) -> dict[str, Any] | None:
    return None if counts is None else {'size': size, 'counts': counts}
