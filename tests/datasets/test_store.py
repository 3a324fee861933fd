"""Reading a store."""

import json
import pickle
import resource
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mmdet_medglip.datasets.store import GroundingStore
from mmdet_medglip.ingest import StoreWriter
from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.structures.storage import SCHEMA, row_from_record

_PIXELS = np.zeros((6, 8), dtype=np.uint8)
_ROWS = [('a', 'ct', 'train'), ('b', 'mri', 'val'), ('c', 'ct', 'val'), ('d', 'ct', 'train')]
_ROWS += [('e', 'mri', 'train')]


def _record(image_id: str, modality: str, split: str) -> Record:
    label = {'ct': 'liver', 'mri': 'brain_tumor'}[modality]
    instance = Instance(bbox=(1, 2, 4, 5), label=label)
    return Record(image_id, 6, 8, modality, 'demo', 'p', split=split, instances=(instance,))


@pytest.fixture(scope='module')
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five records in shards of two."""
    root = tmp_path_factory.mktemp('store') / 'store'
    with StoreWriter(root, name='small', shard_rows=2) as writer:
        for row in _ROWS:
            writer.add(_record(*row), _PIXELS)
    return root


@pytest.fixture
def copied_store(small_store: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(small_store, tmp_path / 'copy'))


def test_records_come_back_in_order(small_store: Path) -> None:
    store = GroundingStore(small_store)
    assert len(store) == 5
    assert [record.image_id for record in store] == ['a', 'b', 'c', 'd', 'e']
    assert store[-1] == store[4] == store[np.int64(4)]
    assert store[2].instances == (Instance(bbox=(1, 2, 4, 5), label='liver'),)


@pytest.mark.parametrize('index', [5, -6], ids=['after-the-end', 'before-the-start'])
def test_index_out_of_range(small_store: Path, index: int) -> None:
    with pytest.raises(IndexError, match=f'5 records, got index {index}'):
        GroundingStore(small_store)[index]


def test_summary(small_store: Path) -> None:
    store = GroundingStore(small_store)
    assert store.modalities == ('ct', 'mri')
    assert store.labels == ('brain_tumor', 'liver')
    assert store.labels_of == {'ct': ('liver',), 'mri': ('brain_tumor',)}
    assert store.display_names['brain_tumor'] == 'brain tumor'
    assert store.counts['val']['ct'] == {'records': 1, 'instances': 1}


@pytest.mark.parametrize(
    ('split', 'modality', 'expected'),
    [
        pytest.param(None, None, [0, 1, 2, 3, 4], id='all'),
        pytest.param('train', None, [0, 3, 4], id='split'),
        pytest.param(None, 'mri', [1, 4], id='modality'),
        pytest.param('val', 'ct', [2], id='both'),
        pytest.param('test', 'ct', [], id='none'),
    ],
)
def test_indices(
    small_store: Path, split: str | None, modality: str | None, expected: list[int]
) -> None:
    indices = GroundingStore(small_store).indices(split=split, modality=modality)
    assert indices.dtype == np.int64
    assert indices.tolist() == expected


@pytest.mark.parametrize(
    ('choice', 'message'),
    [
        pytest.param({'split': 'valid'}, "Unknown split 'valid'; known are train", id='split'),
        pytest.param({'modality': 'xray'}, "no modality 'xray'; it has ct, mri", id='modality'),
    ],
)
def test_unknown_choice(small_store: Path, choice: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroundingStore(small_store).indices(**choice)


def test_column(small_store: Path) -> None:
    store = GroundingStore(small_store)
    assert store.column('modality').to_pylist() == ['ct', 'mri', 'ct', 'ct', 'mri']
    with pytest.raises(ValueError, match="Unknown column 'colour'; known are image_id"):
        store.column('colour')


def test_pickle_carries_the_path_only(small_store: Path) -> None:
    store = GroundingStore(small_store)
    store[0]
    data = pickle.dumps(store)
    assert len(data) < 1000
    assert pickle.loads(data)[3] == store[3]


def test_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'none does not exist.*tools/ingest\.py'):
        GroundingStore(tmp_path / 'none')


def test_folder_without_store_json(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'is not a store: it has no store\.json'):
        GroundingStore(tmp_path)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'version': 2}, 'version 2, this package reads 1; update', id='newer'),
        pytest.param({'format': 'zip'}, "'format' must be 'mmdet-medglip-store'", id='format'),
        pytest.param({'num_records': 9}, "'num_records' is 9 but the shards hold 5", id='count'),
    ],
)
def test_other_store_json(copied_store: Path, changes: dict, message: str) -> None:
    path = copied_store / 'store.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ValueError, match=message):
        GroundingStore(copied_store)


def test_key_missing_in_store_json(copied_store: Path) -> None:
    path = copied_store / 'store.json'
    info = json.loads(path.read_text())
    del info['shards']
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match=r"store\.json lacks 'shards'"):
        GroundingStore(copied_store)


def test_truncated_store_json(copied_store: Path) -> None:
    path = copied_store / 'store.json'
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match=r'store\.json is not valid JSON'):
        GroundingStore(copied_store)


def test_truncated_shard_is_found_on_opening(copied_store: Path) -> None:
    shard = copied_store / 'shards' / '00001.arrow'
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(ValueError, match=rf'00001\.arrow has {size - 100} bytes, expected {size}'):
        GroundingStore(copied_store)


def test_missing_shard(copied_store: Path) -> None:
    (copied_store / 'shards' / '00002.arrow').unlink()
    with pytest.raises(FileNotFoundError, match=r'00002\.arrow is missing'):
        GroundingStore(copied_store)


def test_overwritten_shard_of_the_same_size(copied_store: Path) -> None:
    shard = copied_store / 'shards' / '00000.arrow'
    shard.write_bytes(b'\0' * shard.stat().st_size)
    store = GroundingStore(copied_store)
    with pytest.raises(ValueError, match=r'00000\.arrow is not readable.*ingest it again'):
        store[0]


def _synthetic(root: Path, rows: int, shards: int) -> None:
    """Write a large store directly: one shard, copied."""
    (root / 'shards').mkdir(parents=True)
    row = row_from_record(_record('a', 'ct', 'train')) | {'image_path': 'images/a.png'}
    batch = pa.RecordBatch.from_pylist([row] * rows, schema=SCHEMA)
    first = root / 'shards' / '00000.arrow'
    with pa.OSFile(str(first), 'wb') as sink, pa.ipc.new_file(sink, SCHEMA) as file:
        file.write_batch(batch)
    entries = []
    for number in range(shards):
        path = root / 'shards' / f'{number:05d}.arrow'
        if number:
            shutil.copyfile(first, path)
        entries.append({'file': path.name, 'rows': rows, 'bytes': first.stat().st_size})
    info = {'format': 'mmdet-medglip-store', 'version': 1, 'name': 'large', 'shards': entries}
    info |= {'modalities': ['ct'], 'labels': {}, 'label_counts': {}, 'counts': {}}
    (root / 'store.json').write_text(json.dumps(info | {'num_records': rows * shards}))


def test_walking_a_large_store_allocates_next_to_nothing(tmp_path: Path) -> None:
    _synthetic(tmp_path / 's', rows=5000, shards=20)
    store = GroundingStore(tmp_path / 's')
    for index in store.indices(split='train', modality='ct')[:2000]:
        store[index]
    before, peak = pa.total_allocated_bytes(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for index in range(0, 100_000, 20):
        store[index]
    shards = sum(path.stat().st_size for path in (tmp_path / 's' / 'shards').iterdir())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024
    assert pa.total_allocated_bytes() - before < 1_000_000
    assert grown < shards + 10_000_000
