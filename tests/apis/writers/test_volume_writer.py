"""Results on slices to label maps: the voxels of a box are those it was drawn around."""

import json

import nibabel
import numpy as np
import pytest

from mmdet_medglip.apis import Failure
from mmdet_medglip.apis.inputs import find_items
from mmdet_medglip.apis.reading import images_of
from mmdet_medglip.apis.writers import write_results
from tests.ingest import dicom_files as files


def write(found, folder):
    told = [one for one in write_results(iter(found), folder, ['nifti'])]
    return [one for one in told if isinstance(one, Failure)]


def boxes_of_mask(answer, path, mask_path, value, plane, step=1):
    """Answers whose boxes are around the mask, on the slices that the inferencer would show."""
    (item,) = find_items([str(path)])
    (mask_item,) = find_items([str(mask_path)])
    pairs = zip(
        images_of(item, plane=plane, slice_step=step),
        images_of(mask_item, plane=plane, slice_step=step),
        strict=True,
    )
    for image, mask in pairs:
        fields = mask.load()
        slope, shift = fields['rescale_slope'], fields['rescale_intercept']
        rows, columns = np.nonzero(np.rint(fields['pixels'] * slope + shift) == value)
        found = []
        if len(rows):
            x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            found = [('liver', 0.9, tuple(map(float, (x1, y1, x2, y2))))]
        size = fields['pixels'].shape
        yield answer(
            image.source.name,
            *found,
            size=size,
            path=image.source.path,
            slice_index=image.source.slice_index,
            volume=image.source.volume,
            plane=image.source.plane,
        )


def extent(mask):
    places = np.argwhere(mask)
    return places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()


@pytest.fixture
def volume(tmp_path):
    """A turned volume, and a mask of one block in it."""
    affine = np.array([[0, -2.0, 0, 9], [0, 0, 1.5, -4], [3.0, 0, 0, 5], [0, 0, 0, 1]])
    mask = np.zeros((9, 12, 14), np.int16)
    mask[2:6, 3:9, 5:12] = 1
    for name, values in (('ct', mask * 100), ('mask', mask)):
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / f'{name}.nii.gz')
    return tmp_path / 'ct.nii.gz', tmp_path / 'mask.nii.gz', mask


@pytest.mark.parametrize('plane', ['axial', 'coronal', 'sagittal'])
def test_a_block_comes_back_voxel_by_voxel(answer, volume, tmp_path, plane):
    path, mask_path, mask = volume
    found = list(boxes_of_mask(answer, path, mask_path, 1, plane))
    assert write(found, tmp_path / 'out') == []
    (written,) = (tmp_path / 'out' / 'volumes').glob('*.nii.gz')
    image = nibabel.load(written)
    assert np.array_equal(image.get_fdata(), mask)
    assert np.array_equal(image.affine, nibabel.load(path).affine)
    (told,) = (tmp_path / 'out' / 'volumes').glob('*.json')
    (box,) = json.loads(told.read_text())['boxes']
    assert (box['label'], box['score']) == ('liver', 0.9)
    assert sorted(box['size_mm_xyz']) == [10.5, 12.0, 12.0]


def test_slices_that_were_not_asked_count_as_their_neighbour(answer, volume, tmp_path):
    path, mask_path, mask = volume
    found = list(boxes_of_mask(answer, path, mask_path, 1, 'axial', step=2))
    assert write(found, tmp_path / 'out') == []
    (written,) = (tmp_path / 'out' / 'volumes').glob('*.nii.gz')
    (low, high), (least, most) = extent(nibabel.load(written).get_fdata()), extent(mask)
    assert (low[1:], high[1:]) == (least[1:], most[1:])
    assert abs(low[0] - least[0]) < 2
    assert abs(high[0] - most[0]) < 2


@pytest.mark.parametrize('plane', ['axial', 'coronal', 'sagittal'])
def test_boxes_end_with_the_volume_where_slices_were_left_out(answer, tmp_path, plane):
    path = tmp_path / 'ct.nii.gz'
    shape, spacing = (10, 9, 13), (2.0, 3.0, 5.0)
    image = nibabel.Nifti1Image(np.ones(shape, np.int16), np.diag([*spacing, 1.0]))
    nibabel.save(image, path)
    found = list(boxes_of_mask(answer, path, path, 1, plane, step=4))
    assert write(found, tmp_path / 'out') == []
    (told,) = (tmp_path / 'out' / 'volumes').glob('*.json')
    (box,) = json.loads(told.read_text())['boxes']
    assert box['voxels_xyz'][:3] == [0, 0, 0]
    assert sorted(box['voxels_xyz'][3:]) == sorted(shape)
    assert sorted(box['size_mm_xyz']) == sorted(np.multiply(shape, spacing))
    # Voxels have their centres on the grid; RAS turned to LPS runs the other way.
    ends = [-19.0, -25.5, -2.5, 1.0, 1.5, 62.5]
    assert box['enclosing_mm_lps'] == ends
    (written,) = (tmp_path / 'out' / 'volumes').glob('*.nii.gz')
    assert nibabel.load(written).get_fdata().all()


def test_a_dicom_series_has_its_own_place(answer, tmp_path):
    pixels = np.zeros((12, 16), np.int16)
    paths = [files.save(tmp_path / f'{n}.dcm', files.ct_slice(n, pixels)) for n in range(3)]
    (item,) = find_items([str(tmp_path)])
    box = ('liver', 0.5, (2.0, 3.0, 7.0, 9.0))
    found = [
        answer(one.source.name, box, path=one.source.path, slice_index=n, volume=item.name)
        for n, one in enumerate(images_of(item))
    ]
    assert len(found) == len(paths)
    assert write(found, tmp_path / 'out') == []
    (written,) = (tmp_path / 'out' / 'volumes').glob('series~*.nii.gz')
    painted = nibabel.load(written).get_fdata()
    assert painted.shape == (12, 16, 3)
    assert extent(painted) == ([3, 2, 0], [9, 7, 3])


def test_a_single_image_has_no_volume(answer, picture, tmp_path):
    (told,) = write([answer(picture, path=str(picture))], tmp_path / 'out')
    assert told.stage == 'skip'
    assert 'single image' in told.reason
