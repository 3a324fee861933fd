"""NRRD and MetaImage volumes become upright slices."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual short name

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import RecipeError, SitkVolumeReader
from mmdet_medglip.ingest.source import SourceImage
from mmdet_medglip.ontology import Ontology

_NAMES = {'liver': 1, 'liver_lesion': 2}


@pytest.fixture
def common() -> dict[str, Any]:
    """Options of every reader here."""
    labels = LabelMap({}, Ontology.default(), modality='ct')
    return {'modality': 'ct', 'source': 'demo', 'label_map': labels, 'empty_share': 1}


def _image(array: np.ndarray, vector: bool = False) -> sitk.Image:
    """Make an image of (slice, row, column) values, 2 x 3 x 5 mm, axes left, back, up."""
    image = sitk.GetImageFromArray(array, isVector=vector)
    image.SetSpacing((2.0, 3.0, 5.0))
    return image


def _values() -> np.ndarray:
    values = np.full((4, 6, 8), -1000, dtype=np.int16)
    values[3, 0, 0] = 1200
    return values


def _labels() -> np.ndarray:
    labels = np.zeros((4, 6, 8), dtype=np.uint8)
    labels[1:3, 1:4, 2:5] = 1
    labels[1:3, 1, 2] = labels[2, 5, 7] = 2
    return labels


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a volume and a label volume."""

    def _write(suffix: str = '.nrrd', turn: str | None = None, **changes: Any) -> Path:
        for name, array in {'a': _values(), 'a_seg': _labels()}.items():
            image = _image(changes.get(name, array))
            if turn is not None:
                image = sitk.DICOMOrient(image, turn)
            sitk.WriteImage(image, str(tmp_path / f'{name}{suffix}'), useCompression=True)
        return tmp_path

    return _write


def _reader(root: Path, common: dict, suffix: str = '.nrrd', **options: Any) -> SitkVolumeReader:
    given = {'annotations': f'{{stem}}_seg{suffix}', 'names': _NAMES} | options
    return SitkVolumeReader(root, images=f'{{stem}}{suffix}', **given, **common)


def _read(reader: SitkVolumeReader) -> list[SourceImage]:
    return [image for item in reader.items() for image in reader.read(item)]


@pytest.mark.parametrize('suffix', ['.nrrd', '.nhdr', '.mha', '.mhd'])
@pytest.mark.parametrize('turn', [None, 'RAS', 'SPL'])
def test_slices_are_upright(write: Callable, common: dict, suffix: str, turn: str | None) -> None:
    images = _read(_reader(write(suffix, turn), common, suffix))
    assert len(images) == 4
    assert np.argwhere(images[3].image == 2224).tolist() == [[0, 0]]
    assert (images[3].size, images[3].spacing_mm) == ((6, 8), (3.0, 2.0))
    names = [[r.volume_instance_id for r in image.regions] for image in images]
    assert names == [
        [],
        ['liver', 'liver_lesion:1'],
        ['liver', 'liver_lesion:1', 'liver_lesion:2'],
        [],
    ]
    lesion = images[2].regions[2].mask
    assert np.argwhere(lesion).tolist() == [[5, 7]]


def test_separate_file_of_voxels_belongs_to_the_item(write: Callable, common: dict) -> None:
    (item,) = _reader(write('.mhd'), common, '.mhd').items()
    assert item.files == ('a.mhd', 'a.zraw', 'a_seg.mhd', 'a_seg.zraw')


def test_without_annotations_every_slice_is_kept(write: Callable, common: dict) -> None:
    reader = _reader(write(), common | {'empty_share': 0}, annotations=None, names=None)
    assert len(_read(reader)) == 8
    assert reader.take_rejects() == []


def test_segments_of_3d_slicer(write: Callable, common: dict) -> None:
    root = write()
    layers = np.stack([_labels() == 1, (_labels() > 0) * 5], axis=3).astype(np.uint8)
    image = _image(layers, vector=True)
    for number, (name, value, layer) in enumerate([('liver', 1, 0), ('spleen', 5, 1)]):
        image.SetMetaData(f'Segment{number}_Name', name)
        image.SetMetaData(f'Segment{number}_LabelValue', str(value))
        image.SetMetaData(f'Segment{number}_Layer', str(layer))
    sitk.WriteImage(image, str(root / 'a.seg.nrrd'))
    (root / 'a_seg.nrrd').unlink()
    reader = _reader(root, common, annotations='{stem}.seg.nrrd', names='segments')
    counts = [{r.name: int(r.mask.sum()) for r in image.regions} for image in _read(reader)]
    assert counts == [{}, {'liver': 8, 'spleen': 9}, {'liver': 8, 'spleen': 10}, {}]


def test_file_without_segments(write: Callable, common: dict) -> None:
    with pytest.raises(ValueError, match='names no segments'):
        _read(_reader(write(), common, names='segments'))


def test_channel(tmp_path: Path, common: dict) -> None:
    both = np.stack([_values() * 0, _values()], axis=3)
    sitk.WriteImage(_image(both, vector=True), str(tmp_path / 'a.nrrd'))
    options = {'annotations': None, 'names': None}
    with pytest.raises(ValueError, match="choose one with 'channel'"):
        _read(_reader(tmp_path, common, **options))
    images = _read(_reader(tmp_path, common, channel=1, **options))
    assert np.argwhere(images[3].image == 2224).tolist() == [[0, 0]]


def test_fourth_axis(tmp_path: Path, common: dict) -> None:
    series = sitk.JoinSeries([_image(_values() * 0), _image(_values())])
    sitk.WriteImage(series, str(tmp_path / 'a.nrrd'))
    images = _read(_reader(tmp_path, common, annotations=None, names=None, channel=1))
    assert (len(images), images[0].spacing_mm) == (4, (3.0, 2.0))
    assert np.argwhere(images[3].image == 2224).tolist() == [[0, 0]]


def _edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize(
    ('target', 'message'),
    [
        pytest.param(b'../secret.zraw', "free of '..'", id='climbs'),
        pytest.param(b'/etc/hostname', "free of '..'", id='absolute'),
        pytest.param(b'LIST', 'list of files', id='list'),
        pytest.param(b'slice%03d.raw 0 3 1', 'list of files', id='pattern'),
        pytest.param(b'gone.raw', 'does not exist', id='gone'),
    ],
)
def test_voxels_elsewhere(write: Callable, common: dict, target: bytes, message: str) -> None:
    root = write('.mhd')
    _edit(root / 'a.mhd', b'a.zraw', target)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        _read(_reader(root, common, '.mhd'))


def test_detached_nrrd_header_may_not_climb(write: Callable, common: dict) -> None:
    root = write('.nhdr')
    _edit(root / 'a.nhdr', b'data file: a', b'data file: ../a')
    with pytest.raises(ValueError, match=r"free of '\.\.'"):
        _read(_reader(root, common, '.nhdr'))


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        pytest.param(lambda data: data[: len(data) - 20], 'is damaged', id='cut-off'),
        pytest.param(lambda data: b'NRRDxxxx' + data[8:], 'is not a volume', id='magic'),
        pytest.param(lambda data: b'', 'is not a volume', id='empty'),
        pytest.param(
            lambda data: data.replace(b'sizes: 8 6 4', b'sizes: 80000 60000 4'),
            'over the limit',
            id='huge',
        ),
    ],
)
def test_damaged_file(write: Callable, common: dict, damage: Callable, message: str) -> None:
    root = write()
    path = root / 'a.nrrd'
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf'a\.nrrd .*{message}|a\.nrrd {message}'):
        _read(_reader(root, common))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'a_seg': _labels()[:3]}, 'must be of one volume', id='shape'),
        pytest.param({'a': np.full((4, 6, 8), np.nan, np.float32)}, 'not finite', id='nan'),
    ],
)
def test_bad_volume(write: Callable, common: dict, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _read(_reader(write(**changes), common))


def test_other_kinds_of_files_are_refused(tmp_path: Path, common: dict) -> None:
    (tmp_path / 'a.vtk').write_bytes(b'# vtk')
    reader = SitkVolumeReader(tmp_path, images='{stem}.vtk', **common)
    with pytest.raises(ValueError, match='must be of type'):
        _read(reader)


def test_kind_of_labels_must_be_told(write: Callable, common: dict) -> None:
    with pytest.raises(RecipeError, match="'names'"):
        _reader(write(), common, names=None)


def test_real_volume(real_data_root: Path, common: dict) -> None:
    root = real_data_root / 'dicom' / 'dcmqi_ct_seg'
    reader = _reader(root, common, annotations=None, names=None)
    item = next(item for item in reader.items() if item.name == 'liver_seg.nrrd')
    images = list(reader.read(item))
    assert [image.size for image in images] == [(512, 512)] * 3
