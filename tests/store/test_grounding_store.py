"""Reading a store."""

import json
import multiprocessing
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mmdet_medglip.ingest.shards import SourceWriter
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore, StoreIndex
from mmdet_medglip.store import grounding_store as store_module
from mmdet_medglip.structures import Instance, Record

_PIXELS = np.zeros((6, 8), dtype=np.uint8)
_ROWS = [('a', 'ct', 'train'), ('b', 'mri', 'val'), ('c', 'ct', 'val'), ('d', 'ct', 'train')]
_ROWS += [('e', 'mri', 'train')]


def _record(image_id: str, modality: str, split: str, source: str = 'demo') -> Record:
    label = {'ct': 'liver', 'mri': 'brain_tumor', 'endoscopy': 'polyp'}[modality]
    instance = Instance(bbox=(1, 2, 4, 5), label=label)
    return Record(image_id, 6, 8, modality, source, 'p', split=split, instances=(instance,))


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


def _grow(root: Path) -> None:
    """Add a source of one record."""
    record = _record('f', 'endoscopy', 'test', source='more')
    with SourceWriter(root, 'more') as writer:
        writer.add(Record(**vars(record) | {'image_path': 'images/f.png'}))
        StoreIndex.read(root).with_source(writer.finish()).publish(root)


def test_records_come_back_in_order(small_store: Path) -> None:
    store = GroundingStore(small_store)
    assert len(store) == 5
    assert [record.image_id for record in store] == ['a', 'b', 'c', 'd', 'e']
    assert store[-1] == store[4] == store[np.int64(4)]
    assert store[-5].image_id == 'a'
    assert store[2].instances == (Instance(bbox=(1, 2, 4, 5), label='liver'),)


@pytest.mark.parametrize('index', [5, -6], ids=['after-the-end', 'before-the-start'])
def test_index_out_of_range(small_store: Path, index: int) -> None:
    with pytest.raises(IndexError, match=f'5 records, got index {index}'):
        GroundingStore(small_store)[index]


def test_random_access_with_few_open_files(
    small_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, '_MAX_OPEN_FILES', 2)
    store = GroundingStore(small_store)
    order = np.random.default_rng(0).integers(0, 5, size=200)
    assert [store[i].image_id for i in order] == ['abcde'[i] for i in order]


def test_summary(small_store: Path) -> None:
    store = GroundingStore(small_store)
    assert store.modalities == ('ct', 'mri')
    assert set(store.labels) == {'brain_tumor', 'liver'}
    assert store.labels_of == {'ct': ('liver',), 'mri': ('brain_tumor',)}
    assert store.label_counts == {'ct': {'liver': 3}, 'mri': {'brain_tumor': 2}}
    assert store.display_names['brain_tumor'] == 'brain tumor'
    assert store.counts['val']['ct'] == {'records': 1, 'instances': 1}
    assert [source['name'] for source in store.sources] == ['demo']


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


@pytest.mark.parametrize(
    ('name', 'values'),
    [
        pytest.param('image_id', ['a', 'b', 'c', 'd', 'e'], id='text'),
        pytest.param('modality', ['ct', 'mri', 'ct', 'ct', 'mri'], id='repeated-names'),
        pytest.param(
            'labels',
            [[n] for n in ('liver', 'brain_tumor', 'liver', 'liver', 'brain_tumor')],
            id='list',
        ),
        pytest.param('has_mask', [[False]] * 5, id='flags'),
    ],
)
def test_column(small_store: Path, name: str, values: list) -> None:
    column = GroundingStore(small_store).column(name)
    assert column.num_chunks == 3
    assert column.to_pylist() == values


@pytest.mark.parametrize('name', ['colour', 'height', 'record'])
def test_other_columns_are_in_the_records(small_store: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f'{name!r}; known are image_id.*walk over the records'):
        GroundingStore(small_store).column(name)


def test_pickle_carries_the_path_only(small_store: Path) -> None:
    store = GroundingStore(small_store)
    store[0]
    data = pickle.dumps(store)
    assert len(data) < 1000
    assert pickle.loads(data)[3] == store[3]


def test_forked_workers_share_open_files(small_store: Path) -> None:
    context = multiprocessing.get_context('fork')
    store, queue = GroundingStore(small_store), context.Queue()
    order = np.random.default_rng(1).integers(0, 5, size=500).tolist()
    expected = ['abcde'[i] for i in order]
    assert [store[i].image_id for i in order] == expected
    read = lambda: queue.put([store[i].image_id for i in order])  # noqa: E731
    workers = [context.Process(target=read) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert [store[i].image_id for i in order] == expected
    assert [queue.get(timeout=60) for _ in workers] == [expected] * 2
    for worker in workers:
        worker.join()


def test_spawned_worker_opens_the_store_again(small_store: Path) -> None:
    store = GroundingStore(small_store)
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        assert list(pool.map(store.__getitem__, [4, 0, 2])) == [store[4], store[0], store[2]]


def test_an_open_store_is_a_view(copied_store: Path) -> None:
    store = GroundingStore(copied_store)
    before = {p: p.read_bytes() for p in copied_store.rglob('*.arrow')}
    _grow(copied_store)
    assert {p: p.read_bytes() for p in before} == before
    for view in (store, pickle.loads(pickle.dumps(store))):
        assert [record.image_id for record in view] == ['a', 'b', 'c', 'd', 'e']
        assert (view.modalities, set(view.labels)) == (('ct', 'mri'), {'liver', 'brain_tumor'})
    grown = GroundingStore(copied_store)
    assert [record.image_id for record in grown] == ['a', 'b', 'c', 'd', 'e', 'f']
    assert set(grown.modalities) == {'ct', 'mri', 'endoscopy'}
    assert grown.counts['test'] == {'endoscopy': {'records': 1, 'instances': 1}}


def test_view_of_a_store_that_was_replaced(copied_store: Path) -> None:
    data = pickle.dumps(GroundingStore(copied_store))
    with StoreWriter(copied_store, name='other', overwrite=True) as writer:
        writer.add(_record('z', 'ct', 'train'), _PIXELS)
    with pytest.raises(ValueError, match='was replaced by another store'):
        pickle.loads(data)


def test_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'none does not exist.*tools/ingest\.py'):
        GroundingStore(tmp_path / 'none')


def test_folder_without_store_json(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'is not a store: it has no store\.json'):
        GroundingStore(tmp_path)


def test_interrupted_ingest(tmp_path: Path) -> None:
    (tmp_path / '.ingest').mkdir()
    with pytest.raises(FileNotFoundError, match=r'was interrupted\. Run the same command again'):
        GroundingStore(tmp_path)


def test_truncated_shard_is_found_on_opening(copied_store: Path) -> None:
    shard = copied_store / 'shards' / 'demo' / '00001.arrow'
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(ValueError, match=rf'00001\.arrow has {size - 100} bytes, expected {size}'):
        GroundingStore(copied_store)


def test_missing_shard(copied_store: Path) -> None:
    (copied_store / 'shards' / 'demo' / '00002.arrow').unlink()
    with pytest.raises(FileNotFoundError, match=r'00002\.arrow is missing'):
        GroundingStore(copied_store)


def test_overwritten_shard_of_the_same_size(copied_store: Path) -> None:
    shard = copied_store / 'shards' / 'demo' / '00000.arrow'
    shard.write_bytes(b'\0' * shard.stat().st_size)
    store = GroundingStore(copied_store)
    with pytest.raises(ValueError, match=r'00000\.arrow is not readable.*ingest it again'):
        store[0]


def test_bytes_that_are_no_record(copied_store: Path) -> None:
    shard = copied_store / 'shards' / 'demo' / '00000.arrow'
    shard.write_bytes(shard.read_bytes().replace(b'\xdc\x00\x16', b'\xdc\x00\x99'))
    with pytest.raises(ValueError, match=r'00000\.arrow, row 0: not a stored record'):
        GroundingStore(copied_store)[0]


def test_shard_truncated_under_an_open_store(copied_store: Path) -> None:
    store = GroundingStore(copied_store)
    assert store[0].image_id == 'a'
    (copied_store / 'shards' / 'demo' / '00000.arrow').write_bytes(b'ARROW1')
    with pytest.raises(ValueError, match=r'00000\.arrow is not readable'):
        store[1]


def test_two_files_exchanged(copied_store: Path) -> None:
    info = json.loads((copied_store / 'store.json').read_text())
    shards = info['sources'][0]['shards']
    last = copied_store / 'shards' / shards[2]['file']
    shards[0].update(file=shards[2]['file'], bytes=last.stat().st_size)
    (copied_store / 'store.json').write_text(json.dumps(info))
    with pytest.raises(ValueError, match=r'00002\.arrow has 1 rows.*\(2 rows\)'):
        GroundingStore(copied_store)[0]


def test_whole_store_has_no_fault(small_store: Path) -> None:
    assert GroundingStore(small_store).verify() == ()


def test_verify_finds_a_turned_bit(copied_store: Path) -> None:
    store = GroundingStore(copied_store)
    shard = copied_store / 'shards' / 'demo' / '00001.arrow'
    data = bytearray(shard.read_bytes())
    data[data.index(b'liver', 2000)] ^= 1
    shard.write_bytes(data)
    assert GroundingStore(copied_store)[2] is not None
    (fault,) = store.verify()
    assert '00001.arrow has other bytes than were written' in fault


def test_verify_finds_missing_files(copied_store: Path) -> None:
    store = GroundingStore(copied_store)
    (copied_store / 'shards' / 'demo' / '00002.arrow').unlink()
    store.image_path(store[1]).unlink()
    faults = store.verify()
    assert faults[0] == f"Record 'b': image {store[1].image_path} is missing."
    assert '00002.arrow' in faults[1]
    assert len(faults) == 2


def test_verify_finds_an_id_of_two_sources(copied_store: Path) -> None:
    (copied_store / 'images' / 'a.png').touch()
    with SourceWriter(copied_store, 'more') as writer:
        record = _record('a', 'ct', 'train', source='more')
        writer.add(Record(**vars(record) | {'image_path': 'images/a.png'}))
        StoreIndex.read(copied_store).with_source(writer.finish()).publish(copied_store)
    faults = GroundingStore(copied_store).verify()
    assert faults == ("Record 'a': image_id is taken 2 times.",)
