"""What is no plain file where a file is expected: nothing hangs, and nothing outside is read."""

import gzip
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from .dicom import encode, seg, series, x_ray
from .ledger import check_message, ingest, recipe_of, write_files
from .raster import blob, picture
from .raster import encode as encode_image
from .volume_bytes import ct, labels, metaimage, nifti
from .volumetric import csr, medsam


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to('/dev/zero')


def _outside(path: Path) -> None:
    secret = path.parents[3] / f'secret-{path.name}'
    secret.write_bytes(b'secret')
    path.symlink_to(secret)


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name('nowhere'))


def _circle(path: Path) -> None:
    path.symlink_to(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip('root may read every file')
    path.write_bytes(b'x')
    path.chmod(0)


_MAKE = [_pipe, _device, _outside, _dangling, _circle, _folder, _socket, _unreadable]


def _masked(stem: str, number: int) -> dict[str, bytes]:
    mask = encode_image(blob(number), 'png')
    return {f'i/{stem}.png': picture(number), f'm/{stem}.png': mask}


def _volume(stem: str, number: int) -> dict[str, bytes]:
    image, marks = gzip.compress(nifti(ct(number))), gzip.compress(nifti(labels()))
    return {f'i/{stem}.nii.gz': image, f'm/{stem}.nii.gz': marks}


def _meta(stem: str, number: int) -> dict[str, bytes]:
    return {f'i/{stem}.mha': metaimage(ct(number)), f'm/{stem}.mha': metaimage(labels())}


_MASK = recipe_of('d', 'MaskImageReader', 'endoscopy', images='i/{stem}.png',
                  masks=[{'path': 'm/{stem}.png', 'label': 'polyp'}])  # fmt: skip
_NIFTI = recipe_of('d', 'NiftiReader', 'ct', images='i/{stem}.nii.gz',
                   annotations='m/{stem}.nii.gz', names={'liver': 1})  # fmt: skip
_META = recipe_of('d', 'SitkVolumeReader', 'ct', images='i/{stem}.mha',
                  annotations='m/{stem}.mha', names={'liver': 1})  # fmt: skip
_NPZ = recipe_of('d', 'NpzVolumeReader', 'ct', images='i/{stem}.npz', names={'liver': 1})
_SPARSE = recipe_of('d', 'ScipyNpzReader', 'ct', images='i/{stem}.png', arrays='m/{stem}.npz',
                    channels=['liver'])  # fmt: skip
_DICOM = recipe_of('d', 'DicomReader', 'xray')
_DICOM_FILES = recipe_of('d', 'DicomReader', 'xray', files='i/{stem}.dcm')
_SEG = recipe_of('d', 'DicomReader', 'ct', annotations='seg')
_YOLO = recipe_of('d', 'YoloReader', 'endoscopy', images='i/{stem}.png',
                  annotations='m/{stem}.txt', names=['polyp'])  # fmt: skip
_VOC = _YOLO | {'reader': 'VocReader', 'annotations': 'm/{stem}.xml'}
_VOC.pop('names')


def _marked(stem: str, number: int) -> dict[str, bytes]:
    return dict(series(stem, number)) | {f'{stem}/marks.dcm': encode(seg(number))}


_PLACES = [
    pytest.param(_MASK, 'i/{}.png', _masked, id='image'),
    pytest.param(_MASK, 'm/{}.png', _masked, id='mask'),
    pytest.param(_NIFTI, 'i/{}.nii.gz', _volume, id='nifti'),
    pytest.param(_NIFTI, 'm/{}.nii.gz', _volume, id='nifti-labels'),
    pytest.param(_META, 'i/{}.mha', _meta, id='metaimage'),
    pytest.param(_META, 'm/{}.mha', _meta, id='metaimage-labels'),
    pytest.param(_NPZ, 'i/{}.npz', lambda s, n: {f'i/{s}.npz': medsam(n)}, id='npz'),
    pytest.param(
        _SPARSE,
        'm/{}.npz',
        lambda s, n: {f'i/{s}.png': picture(n), f'm/{s}.npz': csr(blob(n))},
        id='sparse-npz',
    ),
    pytest.param(_DICOM, 'i/{}.dcm', lambda s, n: {f'i/{s}.dcm': x_ray(n)}, id='dicom'),
    pytest.param(_DICOM_FILES, 'i/{}.dcm', lambda s, n: {f'i/{s}.dcm': x_ray(n)}, id='dicom-files'),
    pytest.param(_SEG, '{}/marks.dcm', _marked, id='seg'),
    pytest.param(
        _YOLO,
        'm/{}.txt',
        lambda s, n: {f'i/{s}.png': picture(n), f'm/{s}.txt': b'0 0.5 0.5 0.2 0.2'},
        id='yolo',
    ),
    pytest.param(
        _VOC,
        'm/{}.xml',
        lambda s, n: {f'i/{s}.png': picture(n), f'm/{s}.xml': b'<annotation/>'},
        id='voc',
    ),
]


@pytest.mark.parametrize('make', _MAKE, ids=lambda make: make.__name__.strip('_'))
@pytest.mark.parametrize(('recipe', 'place', 'good'), _PLACES)
def test_special_file(
    tmp_path: Path, make: Callable, recipe: dict, place: str, good: Callable
) -> None:
    root = tmp_path / 'raw' / 'd'
    for number, stem in enumerate(('a', 'b')):
        write_files(root, good(stem, number))
    path = root / place.format('b')
    path.unlink()
    make(path)
    try:
        store, rejects = ingest(recipe, tmp_path)
    except (ValueError, OSError) as error:
        check_message(str(error), path.name)
        return
    assert any('a' in record.image_id for record in store) or good is _marked
    is_only_file = len(good('b', 1)) == 1
    if not (make is _folder and is_only_file):  # a folder that no file belongs to is no item
        assert any('b' in row.file for row in rejects)
    assert all('secret' not in row.detail or 'link' in row.detail for row in rejects)


@pytest.mark.parametrize(('recipe', 'place', 'good'), _PLACES)
def test_file_name_that_is_not_utf_8(
    tmp_path: Path, recipe: dict, place: str, good: Callable
) -> None:
    root = tmp_path / 'raw' / 'd'
    for number, stem in enumerate(('a', 'b')):
        write_files(root, good(stem, number))
    path = os.fsencode(root / place.format('b'))
    os.rename(path, path.replace(b'/b', b'/\xe9\xff', 1) if b'/b/' not in path else path + b'\xe9')
    try:
        store, rejects = ingest(recipe, tmp_path)
    except (ValueError, OSError) as error:
        check_message(str(error), 'UTF-8')
        return
    assert store and rejects
