"""npz files with volume, labels and voxel size become upright slices."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import NpzVolumeReader, RecipeError
from mmdet_medglip.ingest.source import SourceImage
from mmdet_medglip.ontology import Ontology

_SHAPE = (4, 6, 8)
_TRANSPOSED = np.array([0, 1, 0, 1, 0, 0, 0, 0, -1], float)


@pytest.fixture
def common() -> dict[str, Any]:
    """Options of every reader here."""
    labels = LabelMap({}, Ontology.default(), modality='ct')
    return {'modality': 'ct', 'source': 'demo', 'label_map': labels, 'empty_share': 1}


def _arrays(**changes: Any) -> dict[str, np.ndarray]:
    images = np.full(_SHAPE, 20, dtype=np.uint8)
    images[3, 0, 0] = 200
    labels = np.zeros(_SHAPE, dtype=np.uint8)
    labels[1, 1:4, 2:5] = 1
    labels[1, 5, 7] = 2
    arrays = {'imgs': images, 'gts': labels, 'spacing': np.array([2.0, 3.0, 5.0])} | changes
    return {key: array for key, array in arrays.items() if array is not None}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write one file."""

    def _write(**changes: Any) -> Path:
        np.savez_compressed(tmp_path / 'a.npz', **_arrays(**changes))
        return tmp_path

    return _write


def _read(root: Path, common: dict, **options: Any) -> list[SourceImage]:
    given = {'names': {'liver': 1, 'spleen': 2}} | options
    reader = NpzVolumeReader(root, **given, **common)
    return [image for item in reader.items() for image in reader.read(item)]


def test_slices(write: Callable, common: dict) -> None:
    images = _read(write(), common)
    assert [image.name for image in images] == [f'a/{index:04d}' for index in range(4)]
    assert np.argwhere(images[3].image == 200).tolist() == [[0, 0]]
    assert (images[3].size, images[3].spacing_mm) == ((6, 8), (3.0, 2.0))
    assert [(r.name, int(r.mask.sum())) for r in images[1].regions] == [('liver', 9), ('spleen', 1)]


def test_grey_levels_of_a_window_are_no_hounsfield_units(write: Callable, common: dict) -> None:
    image = _read(write(), common)[0]
    assert (image.image.dtype, image.rescale_type) == (np.uint8, None)
    values = np.full(_SHAPE, -1000, dtype=np.int16)
    image = _read(write(imgs=values), common, hounsfield=True)[0]
    assert (image.image.dtype, image.rescale_type) == (np.uint16, 'HU')


@pytest.mark.parametrize(
    ('changes', 'options', 'index'),
    [
        pytest.param({'direction': _TRANSPOSED}, {}, 0, id='told-by-the-file'),
        pytest.param({}, {'axes': 'ILP'}, 0, id='told-by-the-recipe'),
        pytest.param({'direction': np.eye(3)}, {'axes': 'ILP'}, 0, id='recipe-wins'),
        pytest.param({}, {'axes': 'SLP'}, 3, id='from-the-feet'),
    ],
)
def test_transposed_slices(
    write: Callable, common: dict, changes: dict, options: dict, index: int
) -> None:
    images = np.full(_SHAPE, 20, dtype=np.uint8)
    images[3, 5, 0] = 200
    image = _read(write(imgs=images, **changes), common, **options)[index]
    assert image.size == (8, 6)
    # The last stored row is the last column, the patient's left; the first column is the front.
    assert np.argwhere(image.image == 200).tolist() == [[0, 5]]
    assert image.spacing_mm == (2.0, 3.0)


def test_numbered_objects(write: Callable, common: dict) -> None:
    regions = _read(write(), common, names=None, objects='liver_lesion')[1].regions
    told = [(region.name, region.volume_instance_id, region.is_object) for region in regions]
    assert told == [
        ('liver_lesion', 'liver_lesion:1', True),
        ('liver_lesion', 'liver_lesion:2', True),
    ]


def test_without_labels(write: Callable, common: dict) -> None:
    images = _read(write(gts=None), common | {'empty_share': 0}, names=None, label_key=None)
    assert len(images) == 4


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'gts': None}, "no array 'gts'", id='no-labels'),
        pytest.param({'imgs': None}, "no array 'imgs'", id='no-volume'),
        pytest.param({'spacing': None}, "no array 'spacing'", id='no-voxel-size'),
        pytest.param({'spacing': np.array([1.0, 0.0, 1.0])}, 'three sizes > 0', id='zero-size'),
        pytest.param({'spacing': np.array([1.0, 1.0])}, 'three sizes > 0', id='two-sizes'),
        pytest.param({'gts': np.zeros((4, 6, 7), 'u1')}, 'has shape', id='shape'),
        pytest.param({'imgs': np.zeros((6, 8), 'u1')}, 'expected 3-D', id='flat'),
        pytest.param({'imgs': np.full(_SHAPE, np.nan)}, 'not finite', id='nan'),
        pytest.param({'imgs': np.full(_SHAPE, 'a')}, 'plain numbers', id='text'),
        pytest.param({'gts': np.full(_SHAPE, -1)}, 'label values from -1', id='negative'),
        pytest.param({'direction': np.eye(2)}, 'must have 9 numbers', id='direction'),
    ],
)
def test_bad_arrays(write: Callable, common: dict, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=rf'a\.npz.*{message}'):
        _read(write(**changes), common)


class _Harmful:
    """Would create a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize('key', ['imgs', 'gts', 'spacing'])
def test_pickles_are_refused(write: Callable, common: dict, key: str) -> None:
    root = write()
    harmful = np.array([_Harmful(root / 'touched')], dtype=object)
    with pytest.raises(ValueError, match='pickled'):
        _read(write(**{key: harmful}), common)
    assert not (root / 'touched').exists()


def _member(shape: tuple[int, ...], data: bytes) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {'shape': shape, 'fortran_order': False, 'descr': '|u1'}
    )
    return buffer.getvalue() + data


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        pytest.param((10_000, 10_000, 10_000), 'over the limit', id='too-large'),
        pytest.param((40, 6, 8), 'shorter than its shape', id='shape-without-data'),
    ],
)
def test_bombs_are_not_unpacked(write: Callable, common: dict, shape: tuple, message: str) -> None:
    root = write()
    with zipfile.ZipFile(root / 'a.npz', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('imgs.npy', _member(shape, bytes(192)))
        for key, array in _arrays(imgs=None).items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            archive.writestr(f'{key}.npy', buffer.getvalue())
    with pytest.raises(ValueError, match=message):
        _read(root, common, label_key=None, names=None)


@pytest.mark.parametrize(
    'damage',
    [
        pytest.param(lambda data: data[:100], id='cut-off'),
        pytest.param(lambda data: b'', id='empty'),
        pytest.param(lambda data: data[:60] + bytes(40) + data[100:], id='overwritten'),
    ],
)
def test_damaged_file(write: Callable, common: dict, damage: Callable) -> None:
    root = write()
    path = root / 'a.npz'
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r'a\.npz is not a valid npz file'):
        _read(root, common)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'names': None}, "either 'names' or 'objects'", id='no-names'),
        pytest.param({'objects': 'liver'}, "either 'names' or 'objects'", id='both'),
        pytest.param({'names': {'liver': 'x'}}, 'whole numbers', id='names'),
        pytest.param({'axes': 'SSS'}, 'one letter each', id='axes'),
        pytest.param({'images': 'a.npz'}, "'images'", id='images'),
        pytest.param({'names': {'livr': 1}}, "'livr'", id='unknown-name'),
    ],
)
def test_bad_options(write: Callable, common: dict, options: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        _read(write(), common, **options)


def test_real_volumes(real_data_root: Path, common: dict) -> None:
    root = real_data_root / 'ct' / 'medsam2_recist_lesion_npz'
    images = _read(root, common | {'empty_share': 0}, names={'liver_lesion': 1})
    assert len(images) == 7 + 7 + 7
    assert all(image.size == (512, 512) for image in images)
    # Upright: the table and the spine are below the lesion of the second volume.
    lesion = np.argwhere(images[10].regions[0].mask).mean(axis=0)
    bright = np.argwhere(images[10].image[300:] > 230)
    assert lesion[0] < 300
    assert len(bright) > 500
