"""Volumes become upright slices."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from mmdet_medglip.ingest.readers import NiftiReader, RecipeError
from mmdet_medglip.ingest.readers.nifti import stored_range

_SHAPE = (8, 6, 4)
_COMMON = {'modality': 'ct', 'source': 'demo', 'split': {'fixed': 'train'}, 'empty_share': 1.0}


def _volumes() -> tuple[np.ndarray, np.ndarray]:
    """HU and labels over axes (right, front, up): liver on the right, two lesions."""
    values = np.full(_SHAPE, -1000, dtype=np.int16)
    values[5:8, 2:4, 1:3] = 60
    values[7, 5, 3] = 1200
    labels = np.zeros(_SHAPE, dtype=np.uint8)
    labels[5:8, 2:4, 1:3] = 1
    labels[6, 2, 1:3] = 2
    labels[0, 0, 2] = 2
    return values, labels


def _save(path: Path, values: np.ndarray, axes: str, zooms: tuple = (2.0, 3.0, 5.0)) -> None:
    image = nibabel.Nifti1Image(values, np.diag([*zooms, 1.0]))
    turned = image.as_reoriented(
        nibabel.orientations.ornt_transform(
            nibabel.orientations.axcodes2ornt('RAS'), nibabel.orientations.axcodes2ornt(axes)
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(turned, path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write one case in nnU-Net's raw layout."""

    def _write(axes: str = 'RAS', **changes: Any) -> Path:
        values, labels = _volumes()
        _save(tmp_path / 'imagesTr' / 'c1_0000.nii.gz', changes.get('values', values), axes)
        _save(tmp_path / 'labelsTr' / 'c1.nii.gz', changes.get('labels', labels), axes)
        names = {'background': 0, 'liver': [1, 2], 'liver_lesion': 2}
        (tmp_path / 'dataset.json').write_text(json.dumps({'labels': changes.get('names', names)}))
        return tmp_path

    return _write


@pytest.mark.parametrize('axes', ['RAS', 'LPS', 'LAI', 'PSR'])
def test_slices_are_upright_whatever_the_axes(write: Callable, axes: str) -> None:
    items = list(NiftiReader(write(axes), **_COMMON))
    assert [record.slice_index for record, _ in items] == [0, 1, 2, 3]
    record, image = items[3]
    hounsfield = image * record.rescale_slope + record.rescale_intercept
    # The voxel furthest right and in front is at the top left of the picture.
    assert np.argwhere(hounsfield == 1200).tolist() == [[0, 0]]
    assert image.shape == (6, 8)
    assert record.spacing_mm == (3.0, 2.0)
    liver = next(i for i in items[1][0].instances if i.label == 'liver')
    assert liver.bbox == (0, 2, 3, 4)


def test_hounsfield_units_survive(write: Callable) -> None:
    record, image = list(NiftiReader(write(), **_COMMON))[1]
    assert image.dtype == np.uint16
    assert (record.rescale_slope, record.rescale_intercept) == (1.0, -1024.0)
    assert record.rescale_type == 'HU'
    assert sorted(np.unique(image) - 1024.0) == [-1000, 60]


def test_lesions_are_numbered_through_the_volume(write: Callable) -> None:
    names = {
        record.slice_index: [
            i.volume_instance_id for i in record.instances if i.label == 'liver_lesion'
        ]
        for record, _ in NiftiReader(write(), **_COMMON)
    }
    assert names[0] == names[3] == []
    assert len(names[1]) == 1
    assert set(names[1]) < set(names[2])
    assert len(set(names[2])) == 2


def test_case_series_and_patient(write: Callable) -> None:
    record, _ = next(iter(NiftiReader(write(), **_COMMON)))
    assert (record.image_id, record.series_id) == ('demo/c1/0000', 'c1')
    assert (record.patient_id, record.view) == ('demo/c1', 'axial')


@pytest.mark.parametrize(
    ('options', 'slices'),
    [
        pytest.param({'empty_share': 0.0}, [1, 2], id='no-empty-slices'),
        pytest.param({'slice_step': 2}, [0, 2], id='every-second'),
    ],
)
def test_choice_of_slices(write: Callable, options: dict, slices: list[int]) -> None:
    reader = NiftiReader(write(), **(_COMMON | options))
    assert [record.slice_index for record, _ in reader] == slices


def test_nnunet_version_1_names(write: Callable) -> None:
    root = write(names={'0': 'background', '1': 'liver', '2': 'liver_lesion'})
    labels = {i.label for record, _ in NiftiReader(root, **_COMMON) for i in record.instances}
    assert labels == {'liver', 'liver_lesion'}


def test_names_from_the_recipe(write: Callable) -> None:
    reader = NiftiReader(write(), names={'spleen': 1}, **_COMMON)
    assert {i.label for record, _ in reader for i in record.instances} == {'spleen'}


@pytest.mark.parametrize(
    ('changes', 'reason', 'detail'),
    [
        pytest.param({'labels': np.zeros((8, 6, 5), np.uint8)}, 'volume', 'has shape', id='shape'),
        pytest.param({'values': np.zeros((8, 6, 4, 2), np.int16)}, 'volume', 'three axes', id='4d'),
        pytest.param(
            {'values': np.full(_SHAPE, np.nan, np.float32)}, 'volume', 'not finite', id='nan'
        ),
    ],
)
def test_bad_volume_is_skipped(write: Callable, changes: dict, reason: str, detail: str) -> None:
    reader = NiftiReader(write(**changes), **_COMMON)
    assert list(reader) == []
    assert reason in reader.skipped[0].reason
    assert detail in reader.skipped[0].detail


def test_labels_elsewhere_in_space_are_skipped(write: Callable) -> None:
    root = write()
    _save(root / 'labelsTr' / 'c1.nii.gz', _volumes()[1], 'RAS', zooms=(1.0, 1.0, 1.0))
    reader = NiftiReader(root, **_COMMON)
    assert list(reader) == []
    assert 'elsewhere in space' in reader.skipped[0].detail


def test_missing_labels_and_damaged_volumes_are_skipped(write: Callable) -> None:
    root = write()
    (root / 'imagesTr' / 'c0_0000.nii.gz').write_bytes(b'no volume')
    (root / 'labelsTr' / 'c0.nii.gz').touch()
    image = (root / 'imagesTr' / 'c1_0000.nii.gz').read_bytes()
    (root / 'imagesTr' / 'c2_0000.nii.gz').write_bytes(image)
    (root / 'imagesTr' / 'c3_0000.nii.gz').write_bytes(image[: len(image) // 2])
    (root / 'labelsTr' / 'c3.nii.gz').write_bytes((root / 'labelsTr' / 'c1.nii.gz').read_bytes())
    reader = NiftiReader(root, **_COMMON)
    assert {record.series_id for record, _ in reader} == {'c1'}
    assert [item.item for item in reader.skipped] == [
        f'demo/imagesTr/{case}_0000.nii.gz' for case in ('c0', 'c2', 'c3')
    ]


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        pytest.param({'slice_step': 0}, RecipeError, "'slice_step'", id='step'),
        pytest.param({'empty_share': 1.5}, RecipeError, "'empty_share'", id='share'),
        pytest.param({'names': {'livr': 1}}, RecipeError, "'livr'", id='label'),
        pytest.param({'names': 'n.json'}, FileNotFoundError, r'n\.json do not exist', id='json'),
    ],
)
def test_bad_options(write: Callable, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        NiftiReader(write(), **(_COMMON | options))


@pytest.mark.parametrize(
    ('values', 'is_ct', 'slope', 'intercept'),
    [
        pytest.param(np.array([-1000, 3000]), True, 1.0, -1024.0, id='ct'),
        pytest.param(np.array([-3024.0, 100.4]), True, 1.0, -3024.0, id='ct-with-padding'),
        pytest.param(np.array([0, 900]), False, 1.0, 0.0, id='mri-whole-numbers'),
        pytest.param(np.array([-5, 900]), False, 1.0, -5.0, id='mri-negative'),
        pytest.param(np.array([0.0, 65.535]), False, 0.001, 0.0, id='fractions'),
        pytest.param(np.array([2.5, 2.5]), False, 1.0, 2.5, id='constant'),
        pytest.param(np.array([0, 131070]), False, 2.0, 0.0, id='too-wide'),
    ],
)
def test_stored_range(values: np.ndarray, is_ct: bool, slope: float, intercept: float) -> None:
    found = stored_range(values, is_ct=is_ct)
    assert (found.slope, found.intercept) == (pytest.approx(slope), intercept)
    back = found.store(values) * found.slope + found.intercept
    np.testing.assert_allclose(back, values, atol=max(slope / 2, 1e-6))
