"""Images of annotations, of any kind of file."""

import sys
from pathlib import Path
from types import ModuleType

import nibabel
import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.pictures import PICTURE_LOADERS, Picture, load_picture, parse_rescale
from mmdet_medglip.ingest.source import SourceImage


def _save_nifti(path: Path, values: np.ndarray, zooms: tuple[float, ...] = (0.5, 0.25)) -> Path:
    volume = nibabel.Nifti1Image(values, np.diag([*zooms, 1, 1]))
    nibabel.save(volume, path)
    return path


def test_image_file_is_used_as_it_is(tmp_path: Path) -> None:
    Image.new('L', (8, 6)).save(tmp_path / 'a.png')
    picture = load_picture(tmp_path / 'a.png')
    assert (picture.image, picture.size) == (tmp_path / 'a.png', (6, 8))
    assert picture.pixels().shape == (6, 8)
    image = SourceImage(name='a', **picture.fields())
    assert (image.image, image.size) == (picture.image, picture.size)


def test_rescale_is_told(tmp_path: Path) -> None:
    Image.new('L', (8, 6)).save(tmp_path / 'a.png')
    picture = load_picture(tmp_path / 'a.png', parse_rescale({'slope': 2, 'type': 'HU'}))
    assert (picture.rescale_slope, picture.rescale_intercept) == (2.0, 0.0)
    assert picture.rescale_type == 'HU'


@pytest.mark.parametrize(
    'given',
    [{'slope': 0}, {'slope': 'x'}, {'offset': 1}, {'intercept': float('nan')}, [1]],
    ids=['zero', 'word', 'typo', 'nan', 'list'],
)
def test_bad_rescale(given: object) -> None:
    with pytest.raises(ValueError, match="'rescale'"):
        parse_rescale(given)


@pytest.mark.parametrize(
    ('values', 'kind', 'slope', 'intercept'),
    [
        pytest.param(np.array([[0, 200]], np.uint8), np.uint8, 1, 0, id='8-bit'),
        pytest.param(np.array([[-5, 300]], np.int16), np.uint16, 1, -5, id='signed'),
        pytest.param(np.array([[0.0, 255.0]], np.float32), np.uint16, 1, 0, id='whole-floats'),
        pytest.param(np.array([[0.0, 0.5]], np.float32), np.uint16, 0.5 / 65535, 0, id='floats'),
        pytest.param(np.array([[7.5, 7.5]], np.float32), np.uint16, 1, 7.5, id='constant'),
    ],
)
def test_nifti_plane(
    tmp_path: Path, values: np.ndarray, kind: type, slope: float, intercept: float
) -> None:
    picture = load_picture(_save_nifti(tmp_path / 'a.nii.gz', values.T[..., None]))
    assert picture.image.dtype == kind
    assert picture.size == (1, 2)
    assert picture.spacing_mm == (0.25, 0.5)
    assert picture.rescale_slope == pytest.approx(slope)
    assert picture.rescale_intercept == intercept
    physical = picture.rescale_slope * picture.image + picture.rescale_intercept
    np.testing.assert_allclose(physical, values, atol=1e-5)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        pytest.param(np.zeros((2, 3, 4), np.uint8), 'expected one plane', id='volume'),
        pytest.param(np.zeros((3,), np.uint8), 'expected three axes', id='line'),
        pytest.param(np.full((2, 3), np.nan, np.float32), 'not finite', id='nan'),
        pytest.param(np.zeros((2, 3), np.complex64), 'expected plain numbers', id='complex'),
    ],
)
def test_nifti_that_is_no_picture(tmp_path: Path, values: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=rf'a\.nii.*{message}'):
        load_picture(_save_nifti(tmp_path / 'a.nii', values))


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        pytest.param('a.nii', b'x' * 400, 'not a NIfTI volume', id='nifti-text'),
        pytest.param('a.nii.gz', b'', 'not a NIfTI volume', id='nifti-empty'),
        pytest.param('a.png', b'', 'cannot be read', id='png-empty'),
    ],
)
def test_broken_file(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_picture(tmp_path / name)


def test_truncated_nifti(tmp_path: Path) -> None:
    path = _save_nifti(tmp_path / 'a.nii', np.zeros((30, 20), np.uint8))
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(ValueError, match=r'a\.nii is damaged'):
        load_picture(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'a\.dcm does not exist'):
        load_picture(tmp_path / 'a.dcm')


def test_loader_is_imported_with_the_first_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType('a_loader')
    module.load = lambda path: Picture(path, (1, 2), flags=('burned_in_text',))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'a_loader', module)
    monkeypatch.setitem(PICTURE_LOADERS, '.xyz', 'a_loader:load')
    (tmp_path / 'a.XYZ').touch()
    assert load_picture(tmp_path / 'a.XYZ').flags == ('burned_in_text',)
