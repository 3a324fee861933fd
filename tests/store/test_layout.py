"""What is stored comes back."""

import dataclasses
import math
import struct

import msgspec
import numpy as np
import pytest

from mmdet_medglip.store.layout import (
    SCHEMA,
    StoredInstance,
    StoredRecord,
    decode_record,
    encode_record,
)
from mmdet_medglip.structures import Instance, Record

_FULL_INSTANCE = {
    'bbox': (1, 2, 3.5, 4),
    'label': 'liver_lesion',
    'phrase': 'dunkler Fleck, 肝',
    'tokens_positive': ((0, 4), (5, 9)),
    'mask': {'size': [8, 10], 'counts': 'abc'},
    'is_crowd': True,
    'volume_instance_id': 'liver_lesion:2',
    'annotator': 'r1',
}
_FULL = {
    'image_path': 'images/a.png',
    'split': 'val',
    'caption': 'dark spot here',
    'body_region': 'abdomen',
    'licence': 'CC0',
    'study_id': 's',
    'series_id': 't',
    'slice_index': 4,
    'spacing_mm': (0.7, 0.1 + 0.2),
    'view': 'axial',
    'rescale_slope': 2.0,
    'rescale_intercept': -1024.0,
    'rescale_type': 'HU',
    'flags': ('burned_in_text', 'blank'),
    'window': (-160.0, 1500.0),
}


def _record(**changes) -> Record:
    base = {'height': 8, 'width': 10, 'modality': 'ct', 'source': 'demo', 'patient_id': 'p1'}
    return Record(**({'image_id': 'img-1', **base} | changes))


def _random_record(seed: int) -> Record:
    """Draw a record in which each optional field is there or not."""
    rng = np.random.default_rng(seed)
    given = lambda fields: {k: v for k, v in fields.items() if rng.random() < 0.5}  # noqa: E731
    instances = []
    for _ in range(rng.integers(0, 6)):
        fields = given(_FULL_INSTANCE) | {'label': 'liver'}
        x1, y1 = rng.random(2) * 4
        box = (x1, y1, x1 + rng.random() * 4 + 0.1, y1 + rng.random() * 3 + 0.1)
        instances.append(Instance(**fields | {'bbox': box}))
    fields = given(_FULL) | {'caption': _FULL['caption']}
    fields |= {'spacing_mm': tuple(rng.random(2).tolist()), 'rescale_slope': float(rng.normal())}
    return _record(instances=tuple(instances), **fields)


def test_every_field_is_stored() -> None:
    record = _record(instances=(Instance(**_FULL_INSTANCE),) * 2, **_FULL)
    assert all(getattr(record, f.name) not in (None, ()) for f in dataclasses.fields(record))
    back = decode_record(encode_record(record))
    assert back == record
    assert type(back.instances[0].bbox[0]) is float
    assert list(vars(back)) == [f.name for f in dataclasses.fields(Record)]
    assert list(vars(back.instances[0])) == [f.name for f in dataclasses.fields(Instance)]


@pytest.mark.parametrize('seed', range(30))
def test_round_trip(seed: int) -> None:
    record = _random_record(seed)
    assert decode_record(encode_record(record)) == record


@pytest.mark.parametrize(
    'changes',
    [
        pytest.param({}, id='negative'),
        pytest.param({'image_id': 'ü' * 70000}, id='long-text'),
        pytest.param({'slice_index': 2**40, 'height': 2**31}, id='large-numbers'),
        pytest.param({'rescale_slope': 5e-324, 'rescale_intercept': -1.7e308}, id='extremes'),
        pytest.param({'spacing_mm': (1, 2), 'rescale_slope': 3}, id='integers-for-floats'),
        pytest.param({'slice_index': np.int64(3), 'rescale_slope': np.float32(0.5)}, id='numpy'),
    ],
)
def test_values_at_the_edge(changes: dict) -> None:
    record = _record(**changes)
    assert decode_record(encode_record(record)) == record


def test_boxes_are_exact_to_the_bit() -> None:
    box = tuple(float(v) for v in np.float32([0.1, 1 / 3, 9.999999, math.pi]))
    record = _record(instances=(Instance(box, 'liver'),))
    assert decode_record(encode_record(record)).instances[0].bbox == box


def test_a_mask_keeps_only_what_is_stored() -> None:
    mask = {'size': (8, 10), 'counts': b'abc', 'area': 3}
    record = _record(instances=(Instance((0, 0, 1, 1), 'liver', mask=mask),))
    assert record.instances[0].mask == {'size': [8, 10], 'counts': 'abc'}
    assert decode_record(encode_record(record)) == record


@pytest.mark.parametrize(
    'changes',
    [
        pytest.param({'slice_index': 'third'}, id='text-for-a-number'),
        pytest.param({'licence': 4}, id='number-for-a-text'),
        pytest.param({'view': object()}, id='object'),
        pytest.param({'slice_index': 2**70}, id='too-large'),
        pytest.param({'patient_id': 'a\udc80'}, id='not-unicode'),
        pytest.param({'instances': (Instance((0, 0, 1, 1), 'liver', annotator=3),)}, id='region'),
    ],
)
def test_wrong_types_are_not_written(changes: dict) -> None:
    with pytest.raises(ValueError, match="Record 'img-1' has a value of a wrong type"):
        encode_record(_record(**changes))


@pytest.mark.parametrize('cut', [0, 1, 10, -1], ids=repr)
def test_truncated_bytes_are_refused(cut: int) -> None:
    data = encode_record(_record(instances=(Instance(**_FULL_INSTANCE),), **_FULL))
    with pytest.raises(ValueError, match='not a stored record'):
        decode_record(data[:cut])


def test_turned_bits_give_a_record_or_an_error() -> None:
    data = encode_record(_record(instances=(Instance(**_FULL_INSTANCE),), **_FULL))
    for place in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        try:
            assert isinstance(decode_record(bytes(damaged)), Record)
        except ValueError as error:
            assert 'not a stored record' in str(error)


def test_layout_is_the_documented_one() -> None:
    data = encode_record(_record(instances=(Instance((1, 2, 3, 4), 'liver'),)))
    row = msgspec.msgpack.decode(data)
    assert len(row) == len(StoredRecord.__struct_fields__) == len(dataclasses.fields(Record))
    assert row[:9] == [
        'img-1', 8, 10, 'ct', 'demo', 'p1', '', 'train',
        [[struct.pack('<4f', 1, 2, 3, 4), 'liver', None, [], None, False, None, None]],
    ]  # fmt: skip
    assert set(StoredInstance.__struct_fields__) == {f.name for f in dataclasses.fields(Instance)}


def test_schema_says_its_version() -> None:
    assert SCHEMA.metadata == {b'format': b'mmdet-medglip-store', b'version': b'2'}
