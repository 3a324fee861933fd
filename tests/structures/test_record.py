"""Records refuse what cannot be."""

import math

import numpy as np
import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record

_BASE = {
    'image_id': 'img-1',
    'height': 8,
    'width': 10,
    'modality': 'ct',
    'source': 'demo',
    'patient_id': 'p1',
}


def _record(**changes) -> Record:
    return Record(**(_BASE | changes))


def _with_box(*box: float) -> Record:
    return _record(instances=(Instance(bbox=box, label='liver'),))


def test_no_region_is_a_negative() -> None:
    assert _record().instances == ()


def test_box_over_the_whole_image_is_inside() -> None:
    assert _with_box(0, 0, 10, 8).instances[0].bbox == (0.0, 0.0, 10.0, 8.0)


def test_box_is_rounded_to_float32() -> None:
    assert Instance(bbox=(0.1, 0, 1, 1), label='liver').bbox[0] == float(np.float32(0.1))


@pytest.mark.parametrize(
    ('box', 'message'),
    [
        pytest.param((0, 0, 10.5, 8), r'must lie inside the image of 10 x 8', id='right-of-image'),
        pytest.param((-1, 0, 3, 3), 'must lie inside', id='left-of-image'),
        pytest.param((0, 0, 3, 9), 'must lie inside', id='below-image'),
        pytest.param((math.nan, 0, 3, 3), 'must be finite', id='nan'),
        pytest.param((0, 0, math.inf, 3), 'must be finite', id='infinite'),
        pytest.param((5, 0, 3, 3), 'x1 < x2', id='inverted'),
        pytest.param((3, 3, 3, 5), 'x1 < x2', id='zero-width'),
        pytest.param((3, 5, 5, 5), 'y1 < y2', id='zero-height'),
    ],
)
def test_bad_box_names_image_and_field(box: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=rf"Record 'img-1': instances\[0\]\.bbox.*{message}"):
        _with_box(*box)


@pytest.mark.parametrize('box', [(1, 2, 3), 'abcd', None, ((1, 2), (3, 4))], ids=repr)
def test_box_of_another_form(box: object) -> None:
    with pytest.raises(ValueError, match="'bbox' must be four numbers"):
        Instance(bbox=box, label='liver')


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        pytest.param('image_id', '', 'non-empty string', id='image-id-empty'),
        pytest.param('patient_id', None, 'non-empty string', id='patient-id-missing'),
        pytest.param('source', ' ', 'non-empty string', id='source-blank'),
        pytest.param('height', 0, 'positive integer', id='no-rows'),
        pytest.param('width', 2.5, 'positive integer', id='half-a-column'),
        pytest.param('split', 'valid', 'one of train, val, test', id='unknown-split'),
        pytest.param('rescale_slope', 0.0, 'not 0', id='slope-zero'),
        pytest.param('rescale_intercept', math.nan, 'finite', id='intercept-nan'),
        pytest.param('spacing_mm', (1.0,), 'two positive numbers', id='one-spacing'),
        pytest.param('spacing_mm', (1.0, -1.0), 'two positive numbers', id='negative-spacing'),
        pytest.param('window', (40.0,), 'two finite numbers', id='one-window-value'),
        pytest.param('window', (40.0, 0.0), 'width > 0', id='window-without-width'),
        pytest.param('window', (math.nan, 1.0), 'finite', id='window-nan'),
        pytest.param('window', 'lung', 'two finite numbers', id='window-name'),
        pytest.param('flags', 'burned_in_text', 'tuple of non-empty strings', id='one-flag'),
        pytest.param('flags', ('a', ''), 'tuple of non-empty strings', id='empty-flag'),
    ],
)
def test_bad_field_is_named(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f'{field} must be .*{message}|{field} must .*{message}'):
        _record(**{field: value})


def test_numpy_sizes_become_plain() -> None:
    assert type(_record(height=np.int64(8)).height) is int


@pytest.mark.parametrize(
    'span', [(0, 40), (-1, 3), (4, 4), (6, 2)], ids=['too-long', 'negative', 'empty', 'inverted']
)
def test_span_outside_the_caption(span: tuple[int, int]) -> None:
    instance = Instance(bbox=(0, 0, 2, 2), phrase='nodule', tokens_positive=(span,))
    with pytest.raises(ValueError, match=r'instances\[0\]\.tokens_positive.*25 characters'):
        _record(caption='a nodule in the left lung', instances=(instance,))


def test_phrase_without_label_is_a_region() -> None:
    instance = Instance(bbox=(0, 0, 2, 2), phrase='nodule', tokens_positive=[[2, 8]])
    record = _record(caption='a nodule', instances=(instance,))
    assert record.instances[0].tokens_positive == ((2, 8),)


def test_region_without_any_name() -> None:
    with pytest.raises(ValueError, match='neither a label, a phrase nor'):
        _record(instances=(Instance(bbox=(0, 0, 2, 2)),))


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        pytest.param({'size': [8, 9], 'counts': 'x'}, r"'size' \[8, 10\]", id='other-size'),
        pytest.param({'size': [8, 10], 'counts': [1]}, 'compressed RLE', id='not-compressed'),
        pytest.param([1, 2], 'compressed RLE', id='polygon'),
    ],
)
def test_bad_mask(mask: object, message: str) -> None:
    with pytest.raises(ValueError, match=rf'instances\[0\]\.mask.*{message}'):
        _record(instances=(Instance(bbox=(0, 0, 2, 2), label='liver', mask=mask),))


def test_validate_accepts_known_names() -> None:
    record = _with_box(0, 0, 2, 2)
    assert record.validate(Ontology.default()) is record


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'modality': 'pet'}, 'modality must be one of ct, mri', id='modality'),
        pytest.param(
            {'instances': (Instance(bbox=(0, 0, 2, 2), label='livr'),)},
            r"instances\[0\]\.label.*'livr'.*'liver'",
            id='label',
        ),
    ],
)
def test_validate_names_the_unknown(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"Record 'img-1': {message}"):
        _record(**changes).validate(Ontology.default())
