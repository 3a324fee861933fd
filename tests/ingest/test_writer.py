"""A store is whole or not there."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.images import read_image
from mmdet_medglip.ingest.rejects import Reject, read_rejects
from mmdet_medglip.ingest.shards import SourceWriter
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore, StoreIndex
from mmdet_medglip.structures import Instance, Record

_GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def _pixels(kind: str) -> np.ndarray:
    if kind == 'uint16':
        return _GREY.astype(np.uint16) * 1000
    return np.stack([_GREY, _GREY + 50, _GREY + 100], axis=-1) if kind == 'rgb' else _GREY


@pytest.mark.parametrize('kind', ['grey', 'rgb', 'uint16'])
def test_pixels_come_back_exactly(tmp_path: Path, make_record: Callable, kind: str) -> None:
    with StoreWriter(tmp_path / 's', name='t') as writer:
        writer.add(make_record(), _pixels(kind))
    store = GroundingStore(tmp_path / 's')
    path = store.image_path(store[0])
    assert store[0].image_path == 'images/ct/demo/a.png'
    np.testing.assert_array_equal(read_image(path), _pixels(kind))


@pytest.mark.parametrize(
    ('suffix', 'mode', 'stored'),
    [
        pytest.param('.png', 'RGB', '.png', id='png'),
        pytest.param('.jpg', 'L', '.jpg', id='jpeg'),
        pytest.param('.png', 'P', '.png', id='palette-is-rewritten'),
        pytest.param('.png', 'RGBA', '.png', id='transparency-is-rewritten'),
        pytest.param('.gif', 'L', '.png', id='gif-becomes-png'),
        pytest.param('.bmp', 'RGB', '.png', id='bmp-becomes-png'),
    ],
)
def test_files_are_copied_where_their_kind_allows(
    tmp_path: Path, make_record: Callable, suffix: str, mode: str, stored: str
) -> None:
    source = tmp_path / f'image{suffix}'
    Image.fromarray(_GREY).convert(mode).save(source)
    with StoreWriter(tmp_path / 's', name='t') as writer:
        writer.add(make_record(), source)
    store = GroundingStore(tmp_path / 's')
    path = store.image_path(store[0])
    assert path.suffix == stored
    if mode in ('L', 'RGB') and suffix == stored:
        assert path.read_bytes() == source.read_bytes()
    assert Image.open(path).mode in ('L', 'RGB')


def test_store_json_says_what_is_inside(tmp_path: Path, make_record: Callable) -> None:
    rejects = [
        Reject('demo', 'x', 'boxes', 'mask is empty', count=2),
        Reject('demo', 'y', 'read', 'b'),
    ]
    polyp = {'modality': 'endoscopy', 'instances': (Instance((0, 0, 2, 2), label='polyp'),) * 2}
    with StoreWriter(tmp_path / 's', name='t', shard_rows=2) as writer:
        writer.add(make_record('a', licence='CC0'), _GREY)
        writer.add(make_record('b', split='val', instances=()), _GREY)
        writer.add(make_record('c', **polyp), _GREY)
        for reject in rejects:
            writer.reject(reject)
        assert writer.num_rejected == 3
    info = json.loads((tmp_path / 's' / 'store.json').read_text())
    assert info['version'] == 2
    assert info['modalities'] == ['ct', 'endoscopy']
    assert info['labels'] == {'liver': 'liver', 'polyp': 'polyp'}
    (source,) = info['sources']
    told = {'boxes': {'mask is empty': 2}, 'read': {'b': 1}}
    assert (source['name'], source['licence'], source['rejected']) == ('demo', 'CC0', told)
    assert source['labels'] == {'ct': {'liver': 1}, 'endoscopy': {'polyp': 2}}
    assert source['counts']['train'] == {
        'ct': {'records': 1, 'instances': 1},
        'endoscopy': {'records': 1, 'instances': 2},
    }
    assert source['counts']['val'] == {'ct': {'records': 1, 'instances': 0}}
    assert [shard['rows'] for shard in source['shards']] == [2, 1]
    assert list(read_rejects(tmp_path / 's' / 'rejects.parquet')) == rejects


def test_sources_come_one_after_the_other(tmp_path: Path, make_record: Callable) -> None:
    with StoreWriter(tmp_path / 's', name='t') as writer:
        for image_id, source in (('a', 'x'), ('b', 'My Data'), ('c', 'x'), ('d', 'My Data')):
            writer.add(make_record(image_id, source=source), _GREY)
    store = GroundingStore(tmp_path / 's')
    assert [record.image_id for record in store] == ['a', 'c', 'b', 'd']
    assert [source['name'] for source in store.sources] == ['x', 'My Data']
    assert store.verify() == ()


def test_source_whose_only_record_is_refused(tmp_path: Path, make_record: Callable) -> None:
    with StoreWriter(tmp_path / 's', name='t') as writer:
        writer.add(make_record('a'), _GREY)
        with pytest.raises(ValueError, match='value of a wrong type'):
            writer.add(make_record('b', source='x', slice_index='third'), _GREY)
    files = sorted(p.relative_to(tmp_path / 's').as_posix() for p in (tmp_path / 's').rglob('*.*'))
    expected = ['images/ct/demo/_/a.png', 'rejects.parquet']
    expected += ['shards/demo/00000.arrow', 'store.json']
    assert files == expected


def test_empty_store_is_a_store(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / 's', name='t'):
        pass
    assert len(GroundingStore(tmp_path / 's')) == 0


def test_ids_that_look_alike_get_their_own_files(tmp_path: Path, make_record: Callable) -> None:
    with StoreWriter(tmp_path / 's', name='t') as writer:
        for image_id in ('a/b', 'a b', 'A_b', '../../a'):
            writer.add(make_record(image_id), _GREY)
    store = GroundingStore(tmp_path / 's')
    paths = [store.image_path(record).resolve() for record in store]
    assert len({str(path).lower() for path in paths}) == 4
    assert all(path.is_relative_to((tmp_path / 's').resolve()) for path in paths)


def test_exception_leaves_nothing(tmp_path: Path, make_record: Callable) -> None:
    with pytest.raises(RuntimeError, match='stop'), StoreWriter(tmp_path / 's', name='t') as writer:
        writer.add(make_record(), _GREY)
        raise RuntimeError('stop')
    assert list(tmp_path.iterdir()) == []


def test_old_store_stays_until_the_new_one_is_whole(tmp_path: Path, make_record: Callable) -> None:
    with StoreWriter(tmp_path / 's', name='old') as writer:
        writer.add(make_record(), _GREY)
    again = {'name': 'new', 'overwrite': True}
    with pytest.raises(RuntimeError, match='stop'), StoreWriter(tmp_path / 's', **again):
        raise RuntimeError('stop')
    assert GroundingStore(tmp_path / 's').name == 'old'
    with StoreWriter(tmp_path / 's', **again):
        pass
    assert GroundingStore(tmp_path / 's').name == 'new'
    assert [path.name for path in tmp_path.iterdir()] == ['s']


@pytest.mark.parametrize(
    ('owner', 'step'),
    [
        pytest.param(SourceWriter, 'finish', id='shards'),
        pytest.param(StoreIndex, 'publish', id='index'),
        pytest.param(StoreWriter, '_move_into_place', id='move'),
    ],
)
def test_failure_at_the_end_leaves_the_old_store(
    tmp_path: Path,
    make_record: Callable,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    step: str,
) -> None:
    def full(*_: object) -> None:
        raise OSError('disk is full')

    with StoreWriter(tmp_path / 's', name='old'):
        pass
    monkeypatch.setattr(owner, step, full)
    with (
        pytest.raises(OSError, match='disk is full'),
        StoreWriter(tmp_path / 's', name='new', overwrite=True) as writer,
    ):
        writer.add(make_record(), _GREY)
    assert GroundingStore(tmp_path / 's').name == 'old'
    assert [path.name for path in tmp_path.iterdir()] == ['s']


def test_existing_store_is_not_replaced_unasked(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / 's', name='t'):
        pass
    with pytest.raises(FileExistsError, match=r'already holds a store.*overwrite'):
        StoreWriter(tmp_path / 's', name='t')


def test_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / 'thesis.txt').touch()
    with pytest.raises(FileExistsError, match='is not a store'):
        StoreWriter(tmp_path, name='t', overwrite=True)


def test_two_runs_write_the_same_bytes(tmp_path: Path, make_record: Callable) -> None:
    for name in ('one', 'two'):
        with StoreWriter(tmp_path / name, name='t') as writer:
            writer.add(make_record(), _GREY)
    files = sorted(path.relative_to(tmp_path / 'one') for path in (tmp_path / 'one').rglob('*.*'))
    assert len(files) == 4
    for file in files:
        assert (tmp_path / 'one' / file).read_bytes() == (tmp_path / 'two' / file).read_bytes()


def _other_size(record: Record, image: np.ndarray) -> tuple:
    return record, image[:5]


def _float_pixels(record: Record, image: np.ndarray) -> tuple:
    return record, image.astype(np.float32)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(_other_size, '5 rows and 8 columns, the record says 6 and 8', id='size'),
        pytest.param(_float_pixels, r'must be uint8.*float32 \(6, 8\)', id='float'),
    ],
)
def test_bad_pixels(tmp_path: Path, make_record: Callable, change: Callable, message: str) -> None:
    with StoreWriter(tmp_path / 's', name='t') as writer:
        with pytest.raises(ValueError, match=message):
            writer.add(*change(make_record(), _GREY))
        writer.add(make_record(), _GREY)
    assert len(GroundingStore(tmp_path / 's')) == 1


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'modality': 'pet'}, "'demo/a': modality must be one of", id='modality'),
        pytest.param({'instances': (Instance((0, 0, 1, 1), label='livr'),)}, "'liver'", id='label'),
        pytest.param({'slice_index': 'third'}, 'value of a wrong type', id='type'),
    ],
)
def test_bad_record(tmp_path: Path, make_record: Callable, changes: dict, message: str) -> None:
    with (
        StoreWriter(tmp_path / 's', name='t') as writer,
        pytest.raises(ValueError, match=message),
    ):
        writer.add(make_record(**changes), _GREY)


def test_id_is_taken_once(tmp_path: Path, make_record: Callable) -> None:
    with StoreWriter(tmp_path / 's', name='t') as writer:
        writer.add(make_record(), _GREY)
        with pytest.raises(ValueError, match="'demo/a': image_id is taken"):
            writer.add(make_record(), _GREY)


def test_missing_and_broken_files(tmp_path: Path, make_record: Callable) -> None:
    whole = tmp_path / 'whole.png'
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8), dtype=np.uint8)).save(whole)
    (tmp_path / 'half.png').write_bytes(whole.read_bytes()[:-30])
    (tmp_path / 'text.png').write_text('no image')
    with StoreWriter(tmp_path / 's', name='t') as writer:
        with pytest.raises(FileNotFoundError, match=r'none\.png does not exist'):
            writer.add(make_record(), tmp_path / 'none.png')
        with pytest.raises(ValueError, match=r'half\.png is damaged'):
            writer.add(make_record(), tmp_path / 'half.png')
        with pytest.raises(ValueError, match=r'text\.png cannot be read as an image'):
            writer.add(make_record(), tmp_path / 'text.png')


def test_shard_rows_below_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'shard_rows' must be >= 1, got 0"):
        StoreWriter(tmp_path / 's', name='t', shard_rows=0)
