"""A store as a stranger may write it: its values are checked where they are read."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mmdet_medglip.ingest.rejects import Reject, read_rejects, write_rejects
from mmdet_medglip.ingest.writer import StoreWriter
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.store.layout import StoredRecord, decode_record, encode_record
from mmdet_medglip.store.whole_file import WholeFile
from mmdet_medglip.structures import Instance, Record

RECORD = Record(
    'r', 6, 8, 'ct', 'demo', 'p', 'images/a.png', caption='a liver', flags=('odd',),
    instances=(Instance((1, 2, 4, 5), 'liver', None, ((2, 7),)),), window=(40.0, 400.0),
)  # fmt: skip


def changed(**values: object) -> bytes:
    """Encode the record with values that the writer would refuse."""
    row = msgspec.msgpack.decode(encode_record(RECORD), type=StoredRecord)
    return msgspec.msgpack.encode(msgspec.structs.replace(row, **values))


def changed_region(**values: object) -> bytes:
    row = msgspec.msgpack.decode(encode_record(RECORD), type=StoredRecord)
    region = msgspec.structs.replace(row.instances[0], **values)
    return msgspec.msgpack.encode(msgspec.structs.replace(row, instances=(region,)))


def box(*values: float) -> bytes:
    return np.array(values, '<f4').tobytes()


def test_the_record_itself_is_read() -> None:
    assert decode_record(changed()) == RECORD


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        pytest.param(changed(image_path='../../etc/passwd'), 'outside the store', id='climbs'),
        pytest.param(changed(image_path='/etc/passwd'), 'outside the store', id='absolute'),
        pytest.param(changed(image_path='images/../../x'), 'outside the store', id='inside-out'),
        pytest.param(changed(image_path='a\0b'), 'outside the store', id='nul'),
        pytest.param(changed(height=0), 'its size is 0 x 8', id='no-rows'),
        pytest.param(changed(width=-8), 'its size', id='negative'),
        pytest.param(changed(rescale_slope=0.0), 'slope', id='slope'),
        pytest.param(changed(rescale_slope=float('nan')), 'slope', id='slope-nan'),
        pytest.param(changed(rescale_intercept=float('inf')), 'intercept', id='intercept'),
        pytest.param(changed(window=(1.0, 0.0)), 'window', id='window'),
        pytest.param(changed(spacing_mm=(1.0, float('nan'))), 'spacing', id='spacing'),
        pytest.param(changed(split='tests'), 'split', id='split'),
        pytest.param(changed(patient_id=' '), 'empty', id='no-patient'),
        pytest.param(changed(caption=None), 'span', id='span-without-caption'),
        pytest.param(changed_region(bbox=box(1, 2, 9, 5)), 'box', id='box-outside'),
        pytest.param(changed_region(bbox=box(4, 2, 1, 5)), 'box', id='box-turned'),
        pytest.param(changed_region(bbox=box(1, 2, np.nan, 5)), 'box', id='box-nan'),
        pytest.param(changed_region(tokens_positive=((2, 99),)), 'span', id='span-outside'),
        pytest.param(changed_region(label=None, tokens_positive=()), 'neither', id='nameless'),
    ],
)
def test_values_that_no_writer_gives(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f'not a stored record .*{message}'):
        decode_record(data)


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('store') / 'store'
    with StoreWriter(root, name='small') as writer:
        writer.add(RECORD, np.zeros((6, 8), np.uint8))
    return root


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        pytest.param(
            ('modalities',), [{}], "'modalities' and 'labels' must hold words", id='words'
        ),
        pytest.param(('labels', 'liver'), 7, 'must hold words', id='display-name'),
        pytest.param(
            ('sources', 0, 'counts', 'train', 'ct', 'records'), 1.0, "'counts'", id='float'
        ),
        pytest.param(
            ('sources', 0, 'counts', 'train', 'ct', 'records'), '1', "'counts'", id='text'
        ),
        pytest.param(
            ('sources', 0, 'counts', 'train', 'ct', 'instances'), -1, "'counts'", id='minus'
        ),
        pytest.param(('sources', 0, 'labels', 'ct', 'liver'), 'x', "'labels'", id='label-count'),
        pytest.param(('sources', 0, 'shards', 0, 'rows'), True, "'rows'", id='rows-true'),
        pytest.param(('version',), True, 'version', id='version-true'),
        pytest.param(('name',), '\ud800', 'not valid JSON', id='half-a-character'),
    ],
)
def test_index(sound: Path, tmp_path: Path, path: tuple, value: object, message: str) -> None:
    root = Path(shutil.copytree(sound, tmp_path / 'copy'))
    index = json.loads((root / 'store.json').read_text())
    inner = index
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (root / 'store.json').write_text(json.dumps(index))
    with pytest.raises(ValueError, match=rf'store\.json.*{message}'):
        GroundingStore(root)


@pytest.mark.parametrize('text', ['[' * 100_000, '{"a":' * 100_000, '{"x": NaN}'])
def test_index_that_is_no_json(sound: Path, tmp_path: Path, text: str) -> None:
    root = Path(shutil.copytree(sound, tmp_path / 'copy'))
    (root / 'store.json').write_text(text)
    with pytest.raises(ValueError, match=r'store\.json is not valid JSON'):
        GroundingStore(root)


def test_damaged_rejects_name_their_file(tmp_path: Path) -> None:
    path = tmp_path / 'rejects.parquet'
    rows = [Reject('s', 'a.png', 'read', 'why', 'what', 2)]
    write_rejects(path, rows)
    assert list(read_rejects(path)) == rows
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r'rejects\.parquet is no table of rejects, or damaged'):
        list(read_rejects(path))


def test_a_read_takes_no_memory_for_what_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / 'a'
    path.write_bytes(b'0123456789')
    with WholeFile(path) as file:
        assert file.read(4) == b'0123'
        assert file.read(1 << 60) == b'456789'  # Python alone would raise MemoryError
        assert file.read(1 << 60) == b''
