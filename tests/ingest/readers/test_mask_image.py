"""Images with mask images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.masks import decode_rle
from mmdet_medglip.ingest.readers import MaskImageReader, RecipeError

_BINARY = {'path': 'masks/{stem}.png', 'label': 'polyp'}


def _mask(value: int = 255) -> np.ndarray:
    mask = np.zeros((6, 8), dtype=np.uint8)
    mask[1:3, 2:5] = value
    return mask


@pytest.fixture
def root(tmp_path: Path, save: Callable) -> Path:
    """One colour image; its masks are up to the test."""
    save(tmp_path / 'images' / 'a(1).png', np.zeros((6, 8, 3), dtype=np.uint8))
    return tmp_path


def _read(root: Path, common: dict, *masks: dict, **options: Any) -> MaskImageReader:
    return MaskImageReader(
        root, images='images/{stem}.png', masks=masks, **(common | options)
    )  # fmt: skip


@pytest.mark.parametrize('suffix', ['png', 'gif', 'bmp'])
def test_binary_mask_of_any_kind(root: Path, common: dict, save: Callable, suffix: str) -> None:
    save(root / 'masks' / f'a(1).{suffix}', _mask())
    spec = {'path': 'masks/{stem}.' + suffix, 'label': 'polyp', 'threshold': 127}
    [(record, image)] = _read(root, common, spec)
    assert image == root / 'images' / 'a(1).png'
    assert record.image_id == 'demo/a(1)'
    assert [i.bbox for i in record.instances] == [(2, 1, 5, 3)]
    np.testing.assert_array_equal(decode_rle(record.instances[0].mask), _mask() > 0)


@pytest.mark.parametrize(
    ('threshold', 'found'), [(0, 1), (99, 1), (100, 0)], ids=['any', 'below', 'equal-is-outside']
)
def test_threshold_must_be_exceeded(
    root: Path, common: dict, save: Callable, threshold: int, found: int
) -> None:
    save(root / 'masks' / 'a(1).png', _mask(100))
    [(record, _)] = _read(root, common, _BINARY | {'threshold': threshold})
    assert len(record.instances) == found


def test_indexed_mask(root: Path, common: dict, save: Callable) -> None:
    mask = _mask(1)
    mask[2, 3] = 2
    save(root / 'masks' / 'a(1).png', mask)
    spec = {'path': 'masks/{stem}.png', 'values': {1: 'optic disc', 2: 'optic cup'}}
    [(record, _)] = _read(root, common | {'modality': 'fundus'}, spec)
    boxes = {i.label: i.bbox for i in record.instances}
    assert boxes == {'optic_disc': (2, 1, 5, 3), 'optic_cup': (3, 2, 4, 3)}


def test_one_file_per_structure_and_parts_are_joined(
    root: Path, common: dict, save: Callable
) -> None:
    save(root / 'masks' / 'a(1)_hip_left_000.png', _mask())
    save(root / 'masks' / 'a(1)_hip_left_001.png', np.rot90(_mask(), 2))
    save(root / 'masks' / 'a(1)_rib_left_9_000.png', _mask())
    spec = {'path': 'masks/{stem}_{label}_[0-9]*.png'}
    [(record, _)] = _read(root, common | {'modality': 'ct'}, spec)
    boxes = {i.label: i.bbox for i in record.instances}
    assert boxes == {'hip_left': (2, 1, 6, 5), 'rib_left_9': (2, 1, 5, 3)}


def test_outline_is_filled(root: Path, common: dict, save: Callable) -> None:
    outline = np.zeros((6, 8), dtype=np.uint8)
    outline[1:5, 1:6] = 255
    outline[2:4, 2:5] = 0
    save(root / 'masks' / 'a(1).png', outline)
    [(record, _)] = _read(root, common, _BINARY | {'fill': 'holes'})
    assert decode_rle(record.instances[0].mask).sum() == 20


@pytest.mark.parametrize(
    ('flip', 'box', 'shape'),
    [
        pytest.param('vertical', (2, 3, 5, 5), (6, 8), id='vertical'),
        pytest.param('horizontal', (3, 1, 6, 3), (6, 8), id='horizontal'),
        pytest.param('transpose', (1, 2, 3, 5), (8, 6), id='transpose'),
    ],
)
def test_flip_turns_image_and_mask(
    root: Path, common: dict, save: Callable, flip: str, box: tuple, shape: tuple
) -> None:
    save(root / 'images' / 'a(1).png', _mask())
    save(root / 'masks' / 'a(1).png', _mask())
    [(record, image)] = _read(root, common, _BINARY, flip=flip)
    assert image.shape == (record.height, record.width) == shape
    assert record.instances[0].bbox == box
    np.testing.assert_array_equal(image > 0, decode_rle(record.instances[0].mask))


@pytest.mark.parametrize(
    ('exists', 'options', 'records', 'reasons'),
    [
        pytest.param(False, {}, 0, ['mask file is missing'], id='missing-skipped'),
        pytest.param(False, {'missing': 'negative'}, 1, [], id='missing-negative'),
        pytest.param(True, {}, 1, [], id='empty-negative'),
        pytest.param(True, {'empty': 'skip'}, 0, ['mask is empty'], id='empty-skipped'),
    ],
)
def test_no_region(
    root: Path, common: dict, save: Callable,
    exists: bool, options: dict, records: int, reasons: list,
) -> None:  # fmt: skip
    if exists:
        save(root / 'masks' / 'a(1).png', _mask(0))
    reader = _read(root, common, _BINARY, **options)
    assert [record.instances for record, _ in reader] == [()] * records
    assert [item.reason for item in reader.skipped] == reasons


def test_small_components_are_counted(root: Path, common: dict, save: Callable) -> None:
    mask = _mask()
    mask[5, 7] = 255
    save(root / 'masks' / 'a(1).png', mask)
    reader = _read(root, common, _BINARY, min_area=2)
    [(record, _)] = reader
    assert len(record.instances) == 1
    assert reader.skipped[0].reason == 'component smaller than min_area'


def test_mask_of_another_size_is_skipped(root: Path, common: dict, save: Callable) -> None:
    save(root / 'masks' / 'a(1).png', _mask()[:4])
    reader = _read(root, common, _BINARY)
    assert list(reader) == []
    assert '4 rows and 8 columns' in reader.skipped[0].detail


def test_damaged_image_is_skipped_and_the_rest_read(
    root: Path, common: dict, save: Callable
) -> None:
    (root / 'images' / 'b.png').write_bytes(b'not an image')
    save(root / 'masks' / 'a(1).png', _mask())
    reader = _read(root, common, _BINARY)
    assert len(list(reader)) == 1
    assert reader.skipped[0].item == 'demo/images/b.png'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'masks': [{'path': 'x'}]}, "one of 'label'", id='no-label'),
        pytest.param({'masks': [_BINARY | {'color': 1}]}, "'color': 1", id='unknown-key'),
        pytest.param({'missing': 'keep'}, "'missing' must be one of", id='missing'),
        pytest.param({'flip': 'upside'}, "'flip' 'upside' is not among", id='flip'),
        pytest.param({'images': '*.png'}, r"lacks '\{stem\}'", id='no-stem'),
        pytest.param({'patient_id': '('}, 'not a regular expression', id='pattern'),
        pytest.param({'modality': 'pet'}, "Unknown modality 'pet'", id='modality'),
        pytest.param({'labels': {'a': 'livr'}}, "Unknown label 'livr'", id='label'),
        pytest.param({'split': {'fixed': 'x'}}, "Unknown split 'x'", id='split'),
    ],
)
def test_bad_options(root: Path, common: dict, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskImageReader(root, **({'images': '{stem}.png'} | common | options))


def test_pattern_that_finds_nothing(root: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match=r"'demo': no image fits '\{stem\}\.tif'"):
        list(MaskImageReader(root, images='{stem}.tif', **common))


def test_missing_root(tmp_path: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match='nowhere does not exist; check the data root'):
        MaskImageReader(tmp_path / 'nowhere', images='{stem}.png', **common)


@pytest.mark.parametrize(
    ('pattern', 'patient'),
    [
        pytest.param(None, 'demo/a(1)', id='own-patient'),
        pytest.param(r'^(\w)', 'demo/a', id='first-group'),
        pytest.param(r'\d', 'demo/1', id='whole-match'),
    ],
)
def test_patient(root: Path, common: dict, pattern: str | None, patient: str) -> None:
    [(record, _)] = _read(root, common, missing='negative', patient_id=pattern)
    assert record.patient_id == patient


def test_patient_pattern_that_does_not_fit(root: Path, common: dict) -> None:
    with pytest.raises(RecipeError, match=r"pattern '\^x' does not fit 'a\(1\)'"):
        list(_read(root, common, missing='negative', patient_id='^x'))


def test_similar_images_are_one_patient(tmp_path: Path, common: dict, save: Callable) -> None:
    rng = np.random.default_rng(0)
    one, other = (np.kron(rng.integers(0, 200, (8, 8)), np.ones((8, 8))) for _ in range(2))
    pictures = {'a': one, 'b': other, 'c': one[:, ::-1], 'd': one + 40}
    for name, picture in pictures.items():
        save(tmp_path / 'images' / f'{name}.png', picture.astype(np.uint8))
    similar = {'images': 'images/{stem}.png', 'max_difference': 0.1}
    reader = _read(tmp_path, common, missing='negative', similar=similar)
    patients = [record.patient_id for record, _ in reader]
    assert patients == ['demo/a', 'demo/b', 'demo/a', 'demo/a']
