"""Shards are written as a whole, and the same each time."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mmdet_medglip.ingest import shards
from mmdet_medglip.ingest.shards import SourceWriter
from mmdet_medglip.store import GroundingStore, StoreIndex
from mmdet_medglip.store.layout import SCHEMA
from mmdet_medglip.structures import Instance, Record

_MASK = {'size': [6, 8], 'counts': 'abc'}
_REGIONS = (
    Instance((0, 0, 2, 2), 'liver', mask=_MASK),
    Instance((1, 1, 3, 3), phrase='a spot'),
    Instance((0, 0, 2, 2), 'spleen'),
)


@pytest.fixture
def stored(make_record: Callable) -> Callable[..., Record]:
    """Make a record whose image is said to be stored."""

    def make(image_id: str, **changes) -> Record:
        return make_record(image_id, **{'image_path': f'images/{image_id}.png'} | changes)

    return make


def _write(root: Path, source: str, records: Sequence[Record], **options) -> dict[str, Any]:
    with SourceWriter(root, source, **options) as writer:
        for record in records:
            writer.add(record, record.image_id.encode())
        return writer.finish()


def _publish(root: Path, entry: dict[str, Any]) -> None:
    there = (root / 'store.json').is_file()
    index = StoreIndex.read(root) if there else StoreIndex.new('t')
    index.with_source(entry).publish(root)


def test_entry_says_what_is_there(tmp_path: Path, stored: Callable) -> None:
    records = [stored('a', instances=_REGIONS), stored('b', split='val', instances=())]
    records += [stored('c', modality='mri')]
    entry = _write(tmp_path, 'demo', records, shard_rows=2)
    assert entry['name'] == 'demo'
    assert entry['counts'] == {
        'train': {'ct': {'records': 1, 'instances': 3}, 'mri': {'records': 1, 'instances': 1}},
        'val': {'ct': {'records': 1, 'instances': 0}},
    }
    assert entry['labels'] == {'ct': {'liver': 1, 'spleen': 1}, 'mri': {'liver': 1}}
    assert [(s['file'], s['rows']) for s in entry['shards']] == [
        ('demo/00000.arrow', 2),
        ('demo/00001.arrow', 1),
    ]
    for shard in entry['shards']:
        data = (tmp_path / 'shards' / shard['file']).read_bytes()
        assert len(data) == shard['bytes']
        assert hashlib.sha256(data).hexdigest() == shard['sha256']


def test_columns_of_a_shard(tmp_path: Path, stored: Callable) -> None:
    _write(tmp_path, 'demo', [stored('a', instances=_REGIONS), stored('b', instances=())])
    file = pa.ipc.open_file(str(tmp_path / 'shards' / 'demo' / '00000.arrow'))
    assert file.schema.equals(SCHEMA, check_metadata=True)
    assert file.num_record_batches == 1
    batch = file.get_batch(0)
    batch.validate(full=True)
    columns = batch.select([name for name in SCHEMA.names if name != 'record']).to_pydict()
    assert columns == {
        'image_id': ['a', 'b'],
        'patient_id': ['patient of a', 'patient of b'],
        'split': ['train', 'train'],
        'modality': ['ct', 'ct'],
        'source': ['demo', 'demo'],
        'labels': [['liver', None, 'spleen'], []],
        'has_mask': [[True, False, False], []],
        'fingerprint': [b'a', b'b'],
    }


def test_records_come_back(tmp_path: Path, stored: Callable) -> None:
    records = [stored(f'r{i}', instances=_REGIONS[: i % 4]) for i in range(7)]
    _publish(tmp_path, _write(tmp_path, 'demo', records, shard_rows=3))
    store = GroundingStore(tmp_path)
    assert list(store) == records
    assert store.indices().tolist() == list(range(7))


def test_shard_is_closed_by_its_bytes(
    tmp_path: Path, stored: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, '_MAX_SHARD_BYTES', 100)
    entry = _write(tmp_path, 'demo', [stored(name) for name in 'abc'])
    assert [shard['rows'] for shard in entry['shards']] == [1, 1, 1]


def test_two_runs_write_the_same_bytes(tmp_path: Path, stored: Callable) -> None:
    records = [stored(name, instances=_REGIONS) for name in 'abc']
    entries = [_write(tmp_path / name, 'demo', records, shard_rows=2) for name in ('x', 'y')]
    assert entries[0] == entries[1]


def test_empty_source(tmp_path: Path) -> None:
    entry = _write(tmp_path, 'demo', [])
    assert entry == {'name': 'demo', 'shards': [], 'counts': {}, 'labels': {}}
    _publish(tmp_path, entry)
    assert len(GroundingStore(tmp_path)) == 0


def test_a_block_without_finish_leaves_nothing(tmp_path: Path, stored: Callable) -> None:
    with SourceWriter(tmp_path, 'demo', shard_rows=1) as writer:
        writer.add(stored('a'))
    assert list((tmp_path / 'shards').iterdir()) == []


def test_left_overs_of_a_killed_run_are_replaced(tmp_path: Path, stored: Callable) -> None:
    folder = tmp_path / 'shards'
    for name in ('demo', '.demo.partial'):
        (folder / name).mkdir(parents=True)
        (folder / name / '00007.arrow').write_text('left over')
    entry = _write(tmp_path, 'demo', [stored('a')])
    assert [p.relative_to(folder).as_posix() for p in folder.rglob('*.arrow')] == [
        'demo/00000.arrow'
    ]
    _publish(tmp_path, entry)
    assert len(GroundingStore(tmp_path)) == 1


def test_growing_touches_no_old_shard(tmp_path: Path, stored: Callable) -> None:
    _publish(tmp_path, _write(tmp_path, 'demo', [stored('a'), stored('b')], shard_rows=1))
    old = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob('*.arrow')}
    reader = GroundingStore(tmp_path)
    _publish(tmp_path, _write(tmp_path, 'Next One', [stored('c', source='Next One')]))
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in old} == old
    assert [record.image_id for record in reader] == ['a', 'b']
    assert [record.image_id for record in GroundingStore(tmp_path)] == ['a', 'b', 'c']


def test_a_source_is_written_once(tmp_path: Path, stored: Callable) -> None:
    _publish(tmp_path, _write(tmp_path, 'demo', [stored('a')]))
    with pytest.raises(ValueError, match="already has the source 'demo'"):
        SourceWriter(tmp_path, 'demo')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'source': 'other'}, "source must be 'demo', got 'other'", id='source'),
        pytest.param({'image_path': ''}, 'image_path is empty', id='no-image'),
        pytest.param({'modality': 'pet'}, 'modality must be one of', id='modality'),
        pytest.param({'instances': (Instance((0, 0, 1, 1), 'livr'),)}, "'liver'", id='label'),
        pytest.param({'slice_index': 'third'}, 'value of a wrong type', id='type'),
        pytest.param({'caption': 'x' * 2000}, 'takes 2.* bytes, over the limit', id='too-large'),
    ],
)
def test_refused_records_leave_the_others(
    tmp_path: Path,
    stored: Callable,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict,
    message: str,
) -> None:
    monkeypatch.setattr(shards, 'MAX_RECORD_BYTES', 1000)
    with SourceWriter(tmp_path, 'demo') as writer:
        writer.add(stored('a'))
        with pytest.raises(ValueError, match=message):
            writer.add(stored('b', **changes))
        entry = writer.finish()
    assert [shard['rows'] for shard in entry['shards']] == [1]


def test_shard_rows_below_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'shard_rows' must be >= 1, got 0"):
        SourceWriter(tmp_path, 'demo', shard_rows=0)
