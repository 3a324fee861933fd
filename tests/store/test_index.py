"""What ``store.json`` may say."""

import json
from copy import deepcopy
from pathlib import Path

import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import StoreIndex

_ENTRY = {
    'name': 'a',
    'title': 'Set A',
    'licence': None,
    'shards': [{'file': 'a/00000.arrow', 'rows': 3, 'bytes': 10, 'sha256': '0' * 64}],
    'counts': {'train': {'ct': {'records': 3, 'instances': 4}}},
    'labels': {'ct': {'liver': 4}},
}
_OTHER = {
    'name': 'b',
    'shards': [],
    'counts': {'val': {'endoscopy': {'records': 0, 'instances': 0}}},
    'labels': {'endoscopy': {'polyp': 0}},
}


def _index() -> StoreIndex:
    return StoreIndex.new('t').with_source(_OTHER).with_source(_ENTRY)


def test_sources_stay_in_order_and_labels_in_that_of_the_ontology() -> None:
    index = _index()
    assert [source['name'] for source in index.sources] == ['b', 'a']
    assert index.modalities == ('ct', 'endoscopy')
    order = [name for name in Ontology.default().labels if name in ('liver', 'polyp')]
    assert list(index.labels) == order
    assert index.labels['liver'] == 'liver'


def test_an_index_does_not_change() -> None:
    index = StoreIndex.new('t')
    assert index.with_source(_ENTRY) != index
    assert index == StoreIndex.new('t')


def test_first_sources() -> None:
    index = _index()
    assert index.first(1) == StoreIndex.new('t').with_source(_OTHER)
    assert index.first(2) == index.first(9) == index


def test_published_is_what_is_read(tmp_path: Path) -> None:
    _index().publish(tmp_path)
    assert StoreIndex.read(tmp_path) == _index()
    assert [path.name for path in tmp_path.iterdir()] == ['store.json']
    first = (tmp_path / 'store.json').read_bytes()
    StoreIndex.read(tmp_path).publish(tmp_path)
    assert (tmp_path / 'store.json').read_bytes() == first


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="Store 't' already has the source 'a'"):
        _index().with_source(_ENTRY)


def test_label_that_the_ontology_does_not_know() -> None:
    with pytest.raises(ValueError, match='zebra'):
        StoreIndex.new('t').with_source({**_ENTRY, 'labels': {'ct': {'zebra': 1}}})


def _changed(path: str, value: object) -> dict:
    """Change one value of the whole file, named by its path."""
    data = {
        'format': 'mmdet-medglip-store',
        'version': 2,
        'name': 't',
        'modalities': ['ct'],
        'labels': {'liver': 'liver'},
        'sources': [deepcopy(_ENTRY)],
    }
    *where, last = [int(key) if key.isdigit() else key for key in path.split('.')]
    inner = data
    for key in where:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return data


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        pytest.param('format', 'zip', "'format' must be 'mmdet-medglip-store'", id='format'),
        pytest.param('version', 1, 'version 1, this package reads 2: ingest the data', id='old'),
        pytest.param('version', 3, 'version 3, .*: update mmdet_medglip', id='newer'),
        pytest.param('version', None, 'version None, .*: ingest the data again', id='no-version'),
        pytest.param('name', ..., "lacks 'name'", id='name-missing'),
        pytest.param('labels', [], "lacks 'labels', or it is no dict", id='labels-list'),
        pytest.param('sources', {}, "lacks 'sources', or it is no list", id='sources-object'),
        pytest.param('sources', [_ENTRY, _ENTRY], 'lists a source twice', id='twice'),
        pytest.param('sources.0', 'a', "must have a 'name', got 'a'", id='source-text'),
        pytest.param('sources.0.shards', ..., "source 'a' lacks 'shards'", id='no-shards'),
        pytest.param('sources.0.shards.0', 7, 'must be an object, got 7', id='shard-number'),
        pytest.param('sources.0.shards.0.file', '../x.arrow', "bad 'file'", id='leaves-the-store'),
        pytest.param('sources.0.shards.0.file', '/a/00000.arrow', "bad 'file'", id='absolute'),
        pytest.param('sources.0.shards.0.file', '../00000.arrow', "bad 'file'", id='climbs'),
        pytest.param('sources.0.shards.0.sha256', 'abc', "bad 'sha256': 'abc'", id='digest'),
        pytest.param('sources.0.shards.0.rows', 0, "positive 'rows', got 0", id='rows-zero'),
        pytest.param('sources.0.shards.0.bytes', True, "positive 'bytes'", id='bytes-flag'),
        pytest.param('sources.0.shards.0.rows', 9, "3 records in 'counts' .* 9", id='count'),
        pytest.param(
            'sources.0.counts',
            {'train': 3},
            "'counts' of source 'a' must be whole numbers",
            id='counts',
        ),
    ],
)
def test_bad_files(tmp_path: Path, path: str, value: object, message: str) -> None:
    (tmp_path / 'store.json').write_text(json.dumps(_changed(path, value)))
    with pytest.raises(ValueError, match=rf'store\.json.*{message}'):
        StoreIndex.read(tmp_path)


@pytest.mark.parametrize('text', ['', '{"format": ', '[]', '\xff'], ids=repr)
def test_files_that_are_no_index(tmp_path: Path, text: str) -> None:
    (tmp_path / 'store.json').write_bytes(text.encode('latin-1'))
    with pytest.raises(ValueError, match=r'store\.json'):
        StoreIndex.read(tmp_path)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'none does not exist\. Make one with'):
        StoreIndex.read(tmp_path / 'none')
    with pytest.raises(FileNotFoundError, match=r'it has no store\.json'):
        StoreIndex.read(tmp_path)
    (tmp_path / '.ingest').mkdir()
    with pytest.raises(FileNotFoundError, match=r'was interrupted\. Run the same command'):
        StoreIndex.read(tmp_path)
