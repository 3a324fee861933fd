"""Stores, packed models and files of weights, as a stranger may hand them over."""

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import torch

from mmdet_medglip.datasets.sources.store import StoreSource
from mmdet_medglip.engine.weights_file import load_weights, save_weights, weight_shapes
from mmdet_medglip.ingest.masks import decode_rle, encode_rle
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.packaging.config_check import check_config
from mmdet_medglip.packaging.contents import MOST_BYTES, REQUIRED, Contents, FileEntry, entry_of
from mmdet_medglip.packaging.language_files import check_language_files
from mmdet_medglip.packaging.packed_model import _read_json
from mmdet_medglip.packaging.plain_values import value_of
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.structures.run_lengths import checked_runs
from tests.hostile.mutators import BINARY, TEXT, json_values
from tests.hostile.target import BrokenPromiseError, Target

__all__ = ['TARGETS']

_JSON = (*TEXT, json_values, json_values, json_values)
_SIZE = (24, 32)


@cache
def _sound_store() -> Path:
    """Make a small store, once per process."""
    root = Path(tempfile.mkdtemp(prefix='hostile-store-')) / 'store'
    mask = np.zeros(_SIZE, bool)
    mask[4:9, 3:20] = True
    with StoreWriter(root, name='small', shard_rows=2) as writer:
        for number in range(4):
            caption = 'a polyp' if number == 1 else None
            spans = ((2, 7),) if caption else ()
            instance = Instance((3, 4, 20, 9), 'polyp', 'ü', spans, encode_rle(mask))
            record = Record(
                f'r{number}',
                *_SIZE,
                'endoscopy',
                'demo',
                f'p{number % 2}',
                caption=caption,
                split=('train', 'val')[number % 2],
                instances=(instance,),
                flags=('odd',),
                spacing_mm=(1.0, 2.0),
                window=(40.0, 400.0),
                body_region='colon',
            )
            writer.add(record, np.full(_SIZE, number, np.uint8))
    return root


def _walk_store(root: Path) -> None:
    """Read all that a training reads of a store, and check what must hold of it."""
    store = GroundingStore(root)
    _must(
        sum(n['records'] for by in store.counts.values() for n in by.values()) == len(store),
        'counts',
    )
    assert store.label_counts is not None and store.display_names is not None
    source = StoreSource(store)
    assert source.declared_labels is not None and source.label_usage is not None
    source.instance_table()
    for name in ('modality', 'split', 'source'):
        codes, values = source.column(name)
        _must(len(codes) == len(store) and codes.max(initial=-1) < len(values), f'column {name}')
    store.indices(split='train')
    for record in store:
        fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
        try:
            Record(**fields)
        except ValueError as error:
            raise BrokenPromiseError(f'a record that must not be: {error}') from error
        path = store.image_path(record)
        _must(root in path.parents and '..' not in path.parts, f'{path} lies outside')
        for instance in record.instances:
            if instance.mask is not None:
                _must(decode_rle(instance.mask).shape == (record.height, record.width), 'mask')
    for fault in store.verify():
        _must(bool(fault), 'a fault without a word')


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise BrokenPromiseError(what)


def _check_index(content: bytes, folder: Path) -> None:
    root = folder / 'store'
    shutil.copytree(_sound_store(), root)
    (root / 'store.json').write_bytes(content)
    _walk_store(root)


def _check_shard(content: bytes, folder: Path) -> None:
    """A shard whose size and SHA-256 are those that the index names."""
    root = folder / 'store'
    shutil.copytree(_sound_store(), root)
    path = root / 'shards' / 'demo' / '00000.arrow'
    path.write_bytes(content)
    index = json.loads((root / 'store.json').read_text())
    shard = index['sources'][0]['shards'][0]
    shard |= {'bytes': len(content), 'sha256': hashlib.sha256(content).hexdigest()}
    (root / 'store.json').write_text(json.dumps(index))
    if content:
        _walk_store(root)


def _shard() -> bytes:
    return (_sound_store() / 'shards' / 'demo' / '00000.arrow').read_bytes()


def _index() -> bytes:
    return (_sound_store() / 'store.json').read_bytes()


def rewrite_records(data: bytes, rng: Random) -> bytes:
    """Damage one value of a shard that is a sound Arrow file afterwards."""
    try:
        batch = pa.ipc.open_file(pa.BufferReader(data)).get_batch(0)
    except Exception:  # what is damaged already is damaged more
        return rng.choice(BINARY)(data, rng)
    place = rng.randrange(batch.num_rows)
    columns = list(batch.columns)
    rows = columns[-1].to_pylist()
    rows[place] = rng.choice(BINARY)(rows[place], rng)
    columns[-1] = pa.array(rows, pa.binary())
    target = pa.BufferOutputStream()
    with pa.ipc.new_file(target, batch.schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=batch.schema))
    return target.getvalue().to_pybytes()


def _check_runs(content: bytes, folder: Path) -> None:
    """The text of a compressed run length."""
    rle = {'size': list(_SIZE), 'counts': content.decode('latin-1')}
    runs = checked_runs(rle)
    expected = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(_SIZE[::-1]).T
    _must(bool((decode_rle(rle) == expected).all()), 'another mask was decoded')


def _runs() -> tuple[bytes, ...]:
    rng = np.random.default_rng(0)
    masks = [rng.random(_SIZE) < share for share in (0.0, 0.02, 0.5, 1.0)]
    return tuple(encode_rle(mask)['counts'].encode() for mask in masks)


# Packed models: their list, their config, their language files, their weights.


def _packed(content: bytes, folder: Path) -> None:
    for name in REQUIRED:
        (folder / name).write_bytes(b'x')
    (folder / 'medglip.json').write_bytes(content)
    contents = Contents.read(folder)
    contents.check(folder)
    _must(0 <= contents.score_thr <= 1 and contents.name.strip() != '', 'a value out of range')
    _must(all(name in MOST_BYTES for name in contents.files), 'a file that may not be')


def _list() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one in REQUIRED:
            (folder / one).write_bytes(b'x')
        files: dict[str, FileEntry] = {one: entry_of(folder / one) for one in REQUIRED}
        Contents('two', files, 'none').write(folder)
        return (folder / 'medglip.json').read_bytes()


_CONFIG = {
    'model': {
        'type': 'MedGLIP',
        'neck': {'type': 'FPN', 'in_channels': [8, 16], 'out_channels': 16},
        'test_cfg': {'score_thr': 0.05, 'nms': {'type': 'nms', 'iou_threshold': 0.5}},
        'data_preprocessor': {'mean': [1.5, 2.5], 'pad': {'tuple()': [1, 2]}},
    },
}


def _config(content: bytes, folder: Path) -> None:
    path = folder / 'config.json'
    path.write_bytes(content)
    plain = _read_json(path)
    try:
        check_config(plain.get('model'), 'model', 'model')
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    value_of(plain)


def _language(content: bytes, folder: Path) -> None:
    (folder / 'config.json').write_bytes(content)
    (folder / 'tokenizer_config.json').write_text('{}')
    (folder / 'tokenizer.json').write_text('{}')
    check_language_files(folder)


def _weights(content: bytes, folder: Path) -> None:
    path = folder / 'w.safetensors'
    path.write_bytes(content)
    shapes = weight_shapes(path)
    weights = load_weights(path)
    _must(
        {k: v.shape for k, v in shapes.items()} == {k: v.shape for k, v in weights.items()},
        'shapes',
    )


def _safetensors() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / 'w.safetensors'
        shared = torch.arange(6.0)
        save_weights(path, {'a': shared, 'b': shared, 'c': torch.ones(2, 3, dtype=torch.int64)})
        return path.read_bytes()


def _checkpoint(content: bytes, folder: Path) -> None:
    from mmdet_medglip.engine import load_checkpoint

    (folder / 'a.pth').write_bytes(content)
    _must(isinstance(load_checkpoint(folder / 'a.pth'), dict), 'a checkpoint that is no dict')
    _must(not (folder / 'ran').exists(), 'a checkpoint ran code')


def _pth(**options: bool) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / 'a.pth'
        meta = {'epoch': 3, 'names': ['a', 'b'], 'value': np.float32(1)}
        torch.save({'state_dict': {'w': torch.ones(3, 2)}, 'meta': meta}, path, **options)
        return path.read_bytes()


def _target(
    name: str, seeds: tuple[bytes, ...], mutators, check: Callable, *named: str, **b: int
) -> Target:
    return Target(name, seeds, mutators, check, named, **b)


TARGETS = (
    _target('store-index', (_index(),), _JSON, _check_index, 'store.json', 'store/', '00000.arrow'),
    _target('store-shard', (_shard(),), BINARY, _check_shard, '00000.arrow'),
    _target('store-record', (_shard(),), (rewrite_records,), _check_shard, '00000.arrow', 'run'),
    _target('run-lengths', _runs(), (*BINARY, *TEXT), _check_runs, 'run'),
    _target(
        'packed-list',
        (_list(),),
        _JSON,
        _packed,
        'medglip.json',
        'README.md',
        'LICENSE',
        'config.json',
        'ontology.yaml',
        'weights.safetensors',
        'version',
    ),
    _target('packed-config', (json.dumps(_CONFIG).encode(),), _JSON, _config, 'config.json'),
    _target(
        'packed-language',
        (b'{"model_type": "bert", "hidden_size": 32}',),
        _JSON,
        _language,
        'config.json',
    ),
    _target('weights', (_safetensors(),), (*BINARY, *TEXT), _weights, 'w.safetensors'),
    _target(
        'checkpoint',
        (_pth(), _pth(_use_new_zipfile_serialization=False)),
        BINARY,
        _checkpoint,
        'a.pth',
    ),
)
