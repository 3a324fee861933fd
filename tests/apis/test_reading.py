import io

import nibabel
import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.apis.inputs import InputItem, find_items
from mmdet_medglip.apis.reading import images_of
from mmdet_medglip.datasets.transforms import LoadMedImage
from tests.ingest import dicom_files


def load(item, **options):
    """Source and physical values of each image of an item."""
    found = []
    for image in images_of(item, **options):
        results = LoadMedImage()(image.load())
        found.append((image.source, results))
    return found


def item_of(given):
    (item,) = find_items([given])
    return item


def test_a_png_stays_a_file(picture):
    ((source, results),) = load(item_of(picture))
    assert source.path == str(picture)
    assert results['img'].shape == (40, 60)


@pytest.mark.parametrize(
    ('mode', 'suffix', 'pixel'),
    [
        pytest.param('P', '.gif', (255, 0, 0), id='gif'),
        pytest.param('RGBA', '.png', (255, 0, 0), id='opaque-alpha'),
        pytest.param('RGB', '.bmp', (255, 0, 0), id='bmp'),
        pytest.param('RGB', '.tif', (255, 0, 0), id='tiff'),
    ],
)
def test_odd_kinds_come_as_bgr(mode, suffix, pixel, tmp_path):
    path = tmp_path / f'a{suffix}'
    Image.new('RGB', (4, 3), pixel).convert(mode).save(path)
    ((_, results),) = load(item_of(path))
    assert results['img'].shape == (3, 4, 3)
    assert results['img'][0, 0].tolist() == [0, 0, 255]


def test_a_series_is_read_slice_by_slice_in_hounsfield_units(tmp_path):
    dicom_files.write_series(tmp_path, 4)
    (item,) = find_items([tmp_path])
    slices = load(item, slice_step=2)
    assert [source.slice_index for source, _ in slices] == [0, 2]
    assert [results['img'][0, 0] for _, results in slices] == [24 - 1024, 26 - 1024]
    assert {results['rescale_type'] for _, results in slices} == {'HU'}
    assert len({source.volume for source, _ in slices}) == 1
    assert slices[0][0].path.endswith('04.dcm')


def test_frames_of_one_file(tmp_path):
    dataset = dicom_files.new_dataset('2.25.1', dicom_files.ULTRASOUND, 'US')
    pixels = np.arange(3, dtype=np.uint8)[:, None, None] + np.zeros((3, 6, 8), np.uint8)
    path = dicom_files.save(tmp_path / 'us.dcm', dicom_files.set_pixels(dataset, pixels))
    frames = load(item_of(path))
    assert [source.name for source, _ in frames] == [f'{path}#{n}' for n in range(3)]
    assert [results['img'][0, 0] for _, results in frames] == [0, 1, 2]
    assert {results['img_path'] for _, results in frames} == {str(path)}


def nifti(path, values, affine=None):
    affine = np.diag([1, 2, 5, 1]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def test_a_volume_is_cut_upright(tmp_path):
    values = np.zeros((4, 6, 3), np.int16) - 1000
    values[0, 5, 2] = 500  # axes go to the left, front and head: right, front, head
    path = nifti(tmp_path / 'ct.nii.gz', values, np.diag([-1, 2, 5, 1]))
    slices = load(item_of(path), modality='ct')
    assert [source.slice_index for source, _ in slices] == [0, 1, 2]
    _, last = slices[2]
    assert last['img'].shape == (6, 4)  # rows from front to back, columns from right to left
    # The front is on top, the patient's right on the left.
    assert np.argwhere(last['img'] == 500).tolist() == [[0, 0]]
    assert last['spacing_mm'] == (2.0, 1.0)
    assert last['rescale_type'] == 'HU'
    assert slices[0][0].plane == 'axial'
    assert len(load(item_of(path), plane='coronal')) == 6


@pytest.mark.parametrize(
    ('modality', 'lowest', 'unit'),
    [
        pytest.param('ct', 0, 'HU', id='given'),
        pytest.param('auto', -1000, 'HU', id='like-air'),
        pytest.param('auto', 0, None, id='unknown'),
        pytest.param('mri', -1000, None, id='other'),
    ],
)
def test_units_of_volumes_and_arrays(modality, lowest, unit, tmp_path):
    values = np.full((4, 5, 2), lowest, np.int16)
    values[0, 0, 0] = lowest + 10
    volume = load(item_of(nifti(tmp_path / 'a.nii', values)), modality=modality)
    ((_, array),) = load(item_of(values[..., 0]), modality=modality)
    assert volume[0][1]['rescale_type'] == array['rescale_type'] == unit
    assert array['img'].min() == lowest
    assert array['img'].max() == lowest + 10


def test_a_plane_in_a_volume_file_is_an_image(tmp_path):
    values = np.arange(12, dtype=np.uint8).reshape(4, 3, 1)
    ((source, results),) = load(item_of(nifti(tmp_path / 'us.nii', values)))
    assert source.slice_index is None
    assert results['img'].tolist() == values[..., 0].T.tolist()


def test_arrays_and_pillow_images():
    colour = np.zeros((3, 4, 3), np.uint8)
    colour[..., 0] = 200  # blue, as OpenCV has it
    ((_, results),) = load(item_of(colour))
    assert results['img'][0, 0].tolist() == [200, 0, 0]
    ((_, results),) = load(item_of(Image.fromarray(colour)))
    assert results['img'][0, 0].tolist() == [0, 0, 200]
    ((_, results),) = load(item_of(np.full((3, 4, 1), 7, np.uint16)))
    assert results['img'].shape == (3, 4)
    assert results['img_bits'] == 16
    ((_, results),) = load(item_of(np.array([[0.0, 0.5], [1.0, 0.25]])))
    assert np.abs(results['img'] - [[0.0, 0.5], [1.0, 0.25]]).max() < 1e-4


@pytest.mark.parametrize('kind', ['png', 'dicom', 'nifti', 'nifti-zipped'])
def test_bytes_of_any_file_are_read_and_forgotten(kind, picture, tmp_path):
    if kind == 'png':
        path = picture
    elif kind == 'dicom':
        path = dicom_files.save(tmp_path / 'a', dicom_files.ct_slice(0))
    else:
        ending = '.nii.gz' if kind.endswith('zipped') else '.nii'
        path = nifti(tmp_path / f'a{ending}', np.zeros((4, 5, 2), np.int16))
    images = list(images_of(item_of(path.read_bytes())))
    spool = images[0].keep.path
    assert spool.is_file()
    assert images[0].source.path is None
    assert LoadMedImage()(images[0].load())['img'].ndim == 2
    del images
    assert not spool.parent.exists()


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        pytest.param(b'no image', 'bytes 0 cannot be read as an image', id='bytes'),
        pytest.param(np.zeros((2, 3, 4, 5)), r'float64 \[2, 3, 4, 5\]', id='dimensions'),
        pytest.param(np.zeros((2, 3, 3)), r'float64 \[2, 3, 3\]', id='float-colour'),
        pytest.param(np.zeros((0, 3), np.uint8), r'uint8 \[0, 3\]', id='empty'),
        pytest.param(np.array([[np.nan]]), 'not finite', id='nan'),
        pytest.param(np.zeros((2, 2), bool), r'bool \[2, 2\]', id='bool'),
    ],
)
def test_bad_content_is_one_error(given, message):
    with pytest.raises(ValueError, match=message):
        load(item_of(given))


def test_bad_files_are_one_error(tmp_path):
    broken = tmp_path / 'a.png'
    broken.write_bytes(b'\x89PNG\r\n\x1a\n')
    with pytest.raises(ValueError, match=r'a\.png cannot be read as an image'):
        load(item_of(broken))
    volume = tmp_path / 'a.nii.gz'
    volume.write_bytes(b'no volume')
    with pytest.raises(ValueError, match='is not a NIfTI volume'):
        load(item_of(volume))
    pages = tmp_path / 'a.tif'
    Image.new('L', (4, 4)).save(pages, save_all=True, append_images=[Image.new('L', (4, 4))])
    with pytest.raises(ValueError, match='holds 2 pages'):
        load(item_of(pages))
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('L', (4, 4)).save(turned, format='JPEG', exif=exif)
    with pytest.raises(ValueError, match='bytes 0 is stored turned'):
        load(item_of(turned.getvalue()))


def test_options_are_checked():
    item = InputItem('array', 'a', content=np.zeros((2, 2)))
    with pytest.raises(ValueError, match='slice_step must be at least 1'):
        list(images_of(item, slice_step=0))
    with pytest.raises(ValueError, match='plane must be one of axial'):
        list(images_of(item, plane='up'))


def test_a_volume_of_several_channels_is_told_without_words_of_recipes(tmp_path):
    path = tmp_path / 'four.nii.gz'
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4)), path)
    with pytest.raises(ValueError, match=r'four\.nii\.gz .*save one of them as a file') as caught:
        load(item_of(path))
    assert "'channel'" not in str(caught.value)
