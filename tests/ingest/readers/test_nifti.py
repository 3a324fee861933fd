"""NIfTI volumes become upright slices."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from mmdet_medglip.ingest.label_map import LabelMap
from mmdet_medglip.ingest.readers import NiftiReader, RecipeError
from mmdet_medglip.ingest.rejects import Reject
from mmdet_medglip.ingest.source import SourceImage
from mmdet_medglip.ingest.volumes import StoredVolume
from mmdet_medglip.ingest.volumes.nifti_file import open_nifti
from mmdet_medglip.ontology import Ontology

_SHAPE = (8, 6, 4)
_NAMES = {'background': 0, 'liver': [1, 2], 'liver_lesion': 2}


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


def _save(
    path: Path, values: np.ndarray, axes: str = 'RAS', zooms: tuple = (2.0, 3.0, 5.0)
) -> None:
    image = nibabel.Nifti1Image(values, np.diag([*zooms, 1.0]))
    turned = image.as_reoriented(
        nibabel.orientations.ornt_transform(
            nibabel.orientations.axcodes2ornt('RAS'), nibabel.orientations.axcodes2ornt(axes)
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(turned, path)


@pytest.fixture
def common() -> dict[str, Any]:
    """Options of every reader here."""
    labels = LabelMap({'tumor': 'liver_lesion', 'fat': None}, Ontology.default(), modality='ct')
    return {'modality': 'ct', 'source': 'demo', 'label_map': labels}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write one case in nnU-Net's raw layout."""

    def _write(axes: str = 'RAS', **changes: Any) -> Path:
        values, labels = _volumes()
        _save(tmp_path / 'imagesTr' / 'c1_0000.nii.gz', changes.get('values', values), axes)
        label_axes = changes.get('label_axes', axes)
        _save(tmp_path / 'labelsTr' / 'c1.nii.gz', changes.get('labels', labels), label_axes)
        names = changes.get('names', _NAMES)
        (tmp_path / 'dataset.json').write_text(json.dumps({'labels': names}))
        return tmp_path

    return _write


def _read(reader: NiftiReader) -> list[SourceImage]:
    return [image for item in reader.items() for image in reader.read(item)]


def _boxes(image: SourceImage, name: str) -> list[tuple]:
    return [
        (*np.argwhere(region.mask).min(0).tolist(), *np.argwhere(region.mask).max(0).tolist())
        for region in image.regions
        if region.name == name
    ]


@pytest.mark.parametrize('axes', ['RAS', 'LPS', 'LAI', 'PSR'])
@pytest.mark.parametrize('label_axes', [None, 'SPL'])
def test_slices_are_upright_whatever_the_axes(
    write: Callable, common: dict, axes: str, label_axes: str | None
) -> None:
    root = write(axes, label_axes=label_axes or axes)
    images = _read(NiftiReader(root, empty_share=1, **common))
    assert [image.slice_index for image in images] == [0, 1, 2, 3]
    hounsfield = images[3].image * images[3].rescale_slope + images[3].rescale_intercept
    # The voxel furthest right and in front is at the top left of the picture.
    assert np.argwhere(hounsfield == 1200).tolist() == [[0, 0]]
    assert (images[3].size, images[3].spacing_mm, images[3].view) == ((6, 8), (3.0, 2.0), 'axial')
    assert _boxes(images[1], 'liver') == [(2, 0, 3, 2)]


@pytest.mark.parametrize(
    ('plane', 'size', 'spacing', 'box', 'index'),
    [
        pytest.param('coronal', (4, 8), (5.0, 2.0), (1, 0, 2, 2), 3, id='coronal'),
        pytest.param('sagittal', (4, 6), (5.0, 3.0), (1, 2, 2, 3), 0, id='sagittal'),
    ],
)
def test_other_planes(
    write: Callable, common: dict, plane: str, size: tuple, spacing: tuple, box: tuple, index: int
) -> None:
    images = _read(NiftiReader(write(), plane=plane, empty_share=1, **common))
    image = images[index]
    assert (image.size, image.spacing_mm, image.view) == (size, spacing, plane)
    assert _boxes(image, 'liver') == [box]


def test_hounsfield_units_survive(write: Callable, common: dict) -> None:
    image = _read(NiftiReader(write(), empty_share=1, **common))[1]
    assert image.image.dtype == np.uint16
    assert (image.rescale_slope, image.rescale_intercept) == (1.0, -1024.0)
    assert image.rescale_type == 'HU'
    assert sorted(np.unique(image.image) - 1024.0) == [-1000, 60]


def test_stored_scale_is_applied(write: Callable, common: dict) -> None:
    root = write()
    path = root / 'imagesTr' / 'c1_0000.nii.gz'
    image = nibabel.Nifti1Image(np.arange(192, dtype=np.int16).reshape(_SHAPE), np.eye(4))
    image.header.set_slope_inter(2, -1000)
    nibabel.save(image, path)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[112:120] = np.array([2, -1000], '<f4').tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))
    reader = NiftiReader(root, annotations=None, **common)
    first = _read(reader)[0]
    assert (
        first.image.max() + first.rescale_intercept == nibabel.load(path).get_fdata()[:, :, 0].max()
    )


def test_lesions_are_numbered_through_the_volume(write: Callable, common: dict) -> None:
    reader = NiftiReader(write(), **common)
    names = [
        [r.volume_instance_id for r in image.regions if r.name == 'liver_lesion']
        for image in _read(reader)
        if image.regions
    ]
    assert names == [['liver_lesion:1'], ['liver_lesion:1', 'liver_lesion:2']]


def test_names_of_one_label_are_one_structure(write: Callable, common: dict) -> None:
    names = {'liver_lesion': 1, 'tumor': 2}
    images = _read(NiftiReader(write(names=names), **common))
    assert {r.volume_instance_id for i in images for r in i.regions} == {
        'liver_lesion:1',
        'liver_lesion:2',
    }


def test_name_series_and_patient(write: Callable, common: dict) -> None:
    image = _read(NiftiReader(write(), empty_share=1, **common))[0]
    assert (image.name, image.series, image.patient) == ('c1/0000', 'c1', None)


def test_item_names_its_files(write: Callable, common: dict) -> None:
    (item,) = NiftiReader(write(), **common).items()
    assert item.name == 'imagesTr/c1_0000.nii.gz'
    assert item.files == ('imagesTr/c1_0000.nii.gz', 'labelsTr/c1.nii.gz')
    assert json.loads(json.dumps(item.payload)) == item.payload


@pytest.mark.parametrize(
    ('options', 'slices', 'left'),
    [
        pytest.param(
            {'empty_share': 0.0},
            [1, 2],
            [('slice without regions, outside the empty share', 2)],
            id='no-empty-slices',
        ),
        pytest.param(
            {'empty_share': 1, 'slice_step': 2},
            [0, 2],
            [('slice outside slice_step', 2)],
            id='every-second',
        ),
        pytest.param(
            {'empty_share': 0, 'max_slices': 2},
            [2],
            [
                ('slice without regions, outside the empty share', 1),
                ('slice outside slice_step', 2),
            ],
            id='limit',
        ),
    ],
)
def test_choice_of_slices(
    write: Callable, common: dict, options: dict, slices: list[int], left: list
) -> None:
    reader = NiftiReader(write(), **common, **options)
    assert [image.slice_index for image in _read(reader)] == slices
    rejects = reader.take_rejects()
    assert [(reject.reason, reject.count) for reject in rejects] == left
    assert {(r.stage, r.file) for r in rejects} == {('read', 'imagesTr/c1_0000.nii.gz')}


def test_values_without_name_are_rejects(write: Callable, common: dict) -> None:
    reader = NiftiReader(write(names={'liver': 1}), **common)
    _read(reader)
    assert reader.take_rejects()[0] == Reject(
        'demo',
        'labelsTr/c1.nii.gz',
        'labels',
        'label value is not mapped',
        'value 2: 3 voxels on 2 slices',
        2,
    )


def test_slices_of_dropped_names_only_are_empty(write: Callable, common: dict) -> None:
    reader = NiftiReader(write(names={'fat': 1, 'liver_lesion': 2}), empty_share=0, **common)
    assert [len(image.regions) for image in _read(reader)] == [2, 3]
    reader = NiftiReader(write(names={'fat': [1, 2]}), empty_share=0, **common)
    assert _read(reader) == []


def test_one_file_per_structure(tmp_path: Path, common: dict) -> None:
    values, labels = _volumes()
    _save(tmp_path / 's1' / 'ct.nii.gz', values)
    for name, value in {'liver': 1, 'tumor': 2, 'nothing': 9}.items():
        _save(tmp_path / 's1' / 'segmentations' / f'{name}.nii.gz', (labels == value).astype('u1'))
    reader = NiftiReader(
        tmp_path,
        images='{stem}/ct.nii.gz',
        annotations='{stem}/segmentations/{label}.nii.gz',
        empty_share=0,
        **common,
    )
    assert len(reader.items()[0].files) == 4
    shown = [[(r.name, r.volume_instance_id) for r in i.regions] for i in _read(reader)]
    assert shown == [
        [('liver', 'liver'), ('tumor', 'liver_lesion:1')],
        [('liver', 'liver'), ('tumor', 'liver_lesion:1'), ('tumor', 'liver_lesion:2')],
    ]


def test_kinds_of_label_files_may_overlap(write: Callable, common: dict) -> None:
    root = write()
    _save(root / 'organs' / 'c1.nii.gz', np.ones(_SHAPE, np.uint8))
    kinds = [
        {'path': 'labelsTr/{stem}.nii.gz', 'names': {'liver': 1, 'liver_lesion': 2}},
        {'path': 'organs/{stem}.nii.gz', 'label': 'spleen'},
    ]
    images = _read(NiftiReader(root, annotations=kinds, empty_share=0, **common))
    assert [len(image.regions) for image in images] == [1, 3, 4, 1]
    assert images[0].regions[0].mask.all()


def test_channel_of_a_volume_of_several(write: Callable, common: dict) -> None:
    values, _ = _volumes()
    root = write(values=np.stack([values * 0, values], axis=3))
    images = _read(NiftiReader(root, channel=1, empty_share=1, **common))
    hounsfield = images[3].image + images[3].rescale_intercept
    assert np.argwhere(hounsfield == 1200).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({}, "choose one with 'channel'", id='not-chosen'),
        pytest.param({'channel': 2}, 'there is no channel 2', id='not-there'),
    ],
)
def test_channel_must_be_right(write: Callable, common: dict, options: dict, message: str) -> None:
    root = write(values=np.zeros((*_SHAPE, 2), np.int16))
    with pytest.raises(ValueError, match=message):
        _read(NiftiReader(root, **common, **options))


def test_flat_image_is_one_slice(tmp_path: Path, common: dict) -> None:
    _save(tmp_path / 'a.nii', np.arange(12, dtype=np.uint8).reshape(4, 3, 1))
    flat = nibabel.Nifti1Image(np.arange(12, dtype=np.uint8).reshape(4, 3), np.diag([-1, -1, 1, 1]))
    nibabel.save(flat, tmp_path / 'b.nii')
    images = _read(NiftiReader(tmp_path, images='{stem}.nii', annotations=None, **common))
    assert [image.size for image in images] == [(3, 4), (3, 4)]
    assert (images[1].image[0] + images[1].rescale_intercept).tolist() == [0, 3, 6, 9]


def test_axes_may_be_told(write: Callable, common: dict) -> None:
    reader = NiftiReader(write(), annotations=None, axes='LPS', **common)
    # Told that the file's axes go left, back, up, the reader turns nothing.
    assert np.argwhere(_read(reader)[3].image == 2224).tolist() == [[5, 7]]


def test_place_of_labels_may_follow_the_volume(write: Callable, common: dict) -> None:
    root = write()
    _save(root / 'labelsTr' / 'c1.nii.gz', _volumes()[1], zooms=(1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match='lies elsewhere in space'):
        _read(NiftiReader(root, **common))
    images = _read(NiftiReader(root, labels_follow_image=True, empty_share=0, **common))
    assert _boxes(images[0], 'liver') == [(2, 0, 3, 2)]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param(
            {'labels': np.zeros((8, 6, 5), np.uint8)}, r'c1\.nii\.gz has \(6, 8, 5\)', id='shape'
        ),
        pytest.param(
            {'values': np.full(_SHAPE, np.nan, np.float32)}, 'c1_0000.* not finite', id='nan'
        ),
        pytest.param(
            {'labels': np.full(_SHAPE, -3, np.int16)}, 'label values from -3', id='negative-label'
        ),
        pytest.param(
            {'labels': np.full(_SHAPE, 0.5, np.float32)}, 'not whole numbers', id='soft-label'
        ),
        pytest.param(
            {'values': np.zeros(_SHAPE, np.complex64)}, 'expected plain numbers', id='complex'
        ),
    ],
)
def test_bad_volume(write: Callable, common: dict, changes: dict, message: str) -> None:
    reader = NiftiReader(write(**changes), **common)
    with pytest.raises(ValueError, match=message):
        _read(reader)


def _no_voxel_size(raw: bytearray) -> None:
    raw[80:92] = np.zeros(3, '<f4').tobytes()
    raw[252:256] = bytes(4)


def _huge(raw: bytearray) -> None:
    raw[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], '<i2').tobytes()


def _far_away(raw: bytearray) -> None:
    raw[108:112] = np.array([1e12], '<f4').tobytes()


@pytest.mark.parametrize(
    ('damage', 'message'),
    [
        pytest.param(lambda raw: raw.clear(), 'no whole header', id='empty'),
        pytest.param(
            lambda raw: raw.__setitem__(slice(0, 4), b'none'), 'no whole header', id='magic'
        ),
        pytest.param(lambda raw: raw.__delitem__(slice(400, None)), 'is damaged', id='cut-off'),
        pytest.param(_no_voxel_size, 'voxel size', id='no-voxel-size'),
        pytest.param(_huge, 'over the limit', id='huge'),
        pytest.param(_far_away, 'header of', id='far-away'),
    ],
)
def test_damaged_file(write: Callable, common: dict, damage: Callable, message: str) -> None:
    root = write()
    path = root / 'imagesTr' / 'c1_0000.nii.gz'
    raw = bytearray(gzip.decompress(path.read_bytes()))
    damage(raw)
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ValueError, match=message):
        _read(NiftiReader(root, **common))


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9])
def test_cut_off_archive(write: Callable, common: dict, share: float) -> None:
    root = write()
    path = root / 'imagesTr' / 'c1_0000.nii.gz'
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=r'c1_0000\.nii\.gz is'):
        _read(NiftiReader(root, **common))


def test_volumes_without_labels(write: Callable, common: dict) -> None:
    root = write()
    (root / 'imagesTr' / 'c2_0000.nii.gz').write_bytes(
        (root / 'imagesTr' / 'c1_0000.nii.gz').read_bytes()
    )
    (root / 'labelsTr' / 'c3.nii.gz').write_bytes(b'')
    reader = NiftiReader(root, **common)
    assert len(reader.items()) == 1
    assert [(r.file, r.reason) for r in reader.take_rejects()] == [
        ('imagesTr/c2_0000.nii.gz', 'label volume is missing'),
        ('labelsTr/c3.nii.gz', 'label volume without volume'),
    ]
    reader = NiftiReader(root, missing='negative', empty_share=1, **common)
    assert [len(list(reader.read(item))) for item in reader.items()] == [4, 4]


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        pytest.param({'slice_step': 0}, RecipeError, "'slice_step'", id='step'),
        pytest.param({'empty_share': 1.5}, RecipeError, "'empty_share'", id='share'),
        pytest.param({'plane': 'oblique'}, RecipeError, "'plane'", id='plane'),
        pytest.param({'channel': -1}, RecipeError, "'channel'", id='channel'),
        pytest.param({'axes': 'XYZ'}, RecipeError, "'LPS'", id='axes'),
        pytest.param({'missing': 'drop'}, RecipeError, "'missing'", id='missing'),
        pytest.param({'images': 'a.nii'}, RecipeError, "'images'", id='images'),
        pytest.param({'names': {'liver': 'x'}}, RecipeError, 'whole numbers', id='names'),
        pytest.param({'annotations': [{'path': 'a'}]}, RecipeError, "'label'", id='kind'),
        pytest.param({'names': 'n.json'}, FileNotFoundError, r'n\.json do not exist', id='json'),
        pytest.param({'names': '../n.json'}, RecipeError, "free of '..'", id='json-elsewhere'),
    ],
)
def test_bad_options(
    write: Callable, common: dict, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        NiftiReader(write(), **common, **options)


def test_a_volume_is_read_once(
    write: Callable, common: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def open_counted(path: Path, channel: int | None) -> StoredVolume:
        stored = open_nifti(path, channel)

        def load() -> np.ndarray:
            loaded.append(path.name)
            return stored.load()

        return replace(stored, load=load)

    monkeypatch.setattr('mmdet_medglip.ingest.readers.nifti.open_nifti', open_counted)
    images = _read(NiftiReader(write(), empty_share=1.0, **common))
    assert len(images) > 2
    assert sorted(loaded) == ['c1.nii.gz', 'c1_0000.nii.gz']


def test_unknown_names_are_told_at_once(write: Callable, common: dict) -> None:
    with pytest.raises(RecipeError, match="'livr'"):
        NiftiReader(write(), names={'livr': 1}, **common).items()


def test_no_volume_at_all(tmp_path: Path, common: dict) -> None:
    with pytest.raises(FileNotFoundError, match='no volume fits'):
        NiftiReader(tmp_path, names={'liver': 1}, **common).items()


@pytest.mark.parametrize(
    ('annotations', 'names'),
    [
        pytest.param('{stem}_seg.nii.gz', {'liver': 5, 'spleen': 1}, id='one-file'),
        pytest.param('{stem}_seg_fast/{label}.nii.gz', None, id='one-file-per-structure'),
    ],
)
@pytest.mark.parametrize('plane', ['axial', 'coronal'])
def test_real_volume_is_upright(
    real_data_root: Path, common: dict, annotations: str, names: dict | None, plane: str
) -> None:
    reader = NiftiReader(
        real_data_root / 'ct' / 'totalsegmentator_nifti',
        images='{stem}_ct_sm.nii.gz',
        annotations=annotations,
        names=names,
        plane=plane,
        **common,
    )
    columns: dict[str, list] = {'liver': [], 'spleen': []}
    for image in _read(reader):
        for region in image.regions:
            if region.name in columns:
                columns[region.name].append(np.argwhere(region.mask)[:, 1].mean() / image.size[1])
    # The liver is on the patient's right, which is on the left of the image.
    assert np.mean(columns['liver']) < 0.45
    assert np.mean(columns['spleen']) > 0.65
