import json
from itertools import permutations, product

import nibabel
import numpy as np
import pytest

from mmdet_medglip.ingest.volumes import PLANES, Grid
from mmdet_medglip.ingest.volumes.nifti_file import open_nifti
from mmdet_medglip.volumes import VolumeBoxes, paint_boxes, save_label_map, voxels

NAMES = ('liver', 'spleen')
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def found(*rows):
    """Rows of (box, score, label), the surest first."""
    return VolumeBoxes(
        np.array([box for box, _, _ in rows], float).reshape(-1, 6),
        np.array([score for _, score, _ in rows], float),
        np.array([label for *_, label in rows], int),
        tuple(((0,),) * len(rows)),
        {},
    )


def test_voxels_whose_centre_is_inside_are_painted_and_the_surest_wins():
    boxes = found(([0.5, 0, 0, 2.4, 1, 1], 0.9, 0), ([0, 0, 0, 3.6, 1, 1], 0.8, 1))
    painted = paint_boxes(boxes, (2, 5, 1), [1, 2])
    # Centres are at 0.5, 1.5, ...: from 0.5 on 0 and 1 belong to the first, then up to 3.5.
    assert painted[:, :, 0].tolist() == [[1, 1, 2, 2, 0], [0, 0, 0, 0, 0]]


def test_parts_outside_are_left_out():
    painted = paint_boxes(found(([-3, -3, -3, 1, 9, 9], 1, 0)), (2, 2, 2), [7])
    assert painted[:, 0].tolist() == [[7, 7], [7, 7]]
    assert not painted[:, 1].any()


@pytest.mark.parametrize(
    ('values', 'shape', 'message'),
    [
        pytest.param([], (2, 2, 2), 'for each of the 1 boxes', id='too-few'),
        pytest.param([0], (2, 2, 2), 'from 1 to 65535', id='background'),
        pytest.param([1], (10_000, 10_000, 10_000), 'over the limit', id='too-large'),
    ],
)
def test_painting_is_checked(values, shape, message):
    with pytest.raises(ValueError, match=message):
        paint_boxes(found(([0, 0, 0, 1, 1, 1], 1, 0)), shape, values)


def affines():
    """Affines of RAS and LPS, every order and flip of axes, and an oblique one."""
    cases = []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        affine = np.zeros((4, 4))
        affine[3, 3] = 1
        for axis, (to, sign) in enumerate(zip(order, signs, strict=True)):
            affine[to, axis] = sign * (0.75, 1.5, 4.0)[axis]
        affine[:3, 3] = [10.5, -20.25, 300.125]
        cases.append(affine)
    turned = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    oblique = np.eye(4)
    oblique[:3, :3] = turned * np.array([0.8, 0.8, 3.0])
    return [*cases, oblique]


@pytest.mark.parametrize('plane', PLANES)
def test_geometry_is_exact_for_every_orientation_and_plane(tmp_path, plane):
    """The painted voxels are where the box is in the patient, and the geometry is the volume's."""
    for number, affine in enumerate(affines()):
        source = tmp_path / f'{number}.nii.gz'
        shape = (6, 7, 8)
        image = nibabel.Nifti1Image(np.zeros(shape, np.int16), affine)
        image.header['descrip'] = b'DOE^JOHN'
        nibabel.save(image, source)
        grid = open_nifti(source).grid
        turn = grid.turn_to(plane)
        shown = grid.turned(turn)
        box = [1, 2, 3, 4, 4, 5]
        save_label_map(
            tmp_path / 'out.nii.gz', found((box, 0.5, 1)), NAMES, grid, turn, like=source
        )
        written = nibabel.load(tmp_path / 'out.nii.gz')
        np.testing.assert_array_equal(written.affine, nibabel.load(source).affine)
        for name in ('qform_code', 'sform_code', 'pixdim', 'srow_x', 'quatern_b', 'qoffset_z'):
            np.testing.assert_array_equal(written.header[name], image.header[name])
        assert b'DOE' not in bytes(written.header.binaryblock)
        values = np.asarray(written.dataobj)
        assert (values.dtype, np.unique(values).tolist()) == (np.uint16, [0, 2])
        marked = np.argwhere(values)
        assert len(marked) == 3 * 2 * 2
        centres = nibabel.affines.apply_affine(TO_RAS @ written.affine, marked)
        places = voxels(centres, shown)
        assert np.allclose(places.min(axis=0), np.array(box[:3]) + 0.5)
        assert np.allclose(places.max(axis=0), np.array(box[3:]) - 0.5)


def test_a_volume_that_is_no_nifti_file_keeps_its_place(tmp_path):
    grid = Grid.of_axes((4, 5, 6), (3, 2, 5), 'PLS')
    turn = grid.turn_to('axial')
    save_label_map(tmp_path / 'a.nii', found(([0, 0, 0, 1, 1, 1], 1, 0)), NAMES, grid, turn)
    written = nibabel.load(tmp_path / 'a.nii')
    np.testing.assert_array_equal(TO_RAS @ written.affine, grid.affine)
    assert written.header['sform_code'] == written.header['qform_code'] == 1
    assert written.header.get_xyzt_units()[0] == 'mm'


def test_what_the_numbers_mean_is_beside_it_and_bytes_repeat(tmp_path):
    grid = Grid.of_axes((4, 5, 6), (3, 2, 5), 'PLS')
    turn = grid.turn_to('axial')
    for name in ('a', 'b'):
        boxes = found(([0, 1, 2, 2, 3, 4], 0.75, 1))
        save_label_map(tmp_path / f'{name}.nii.gz', boxes, NAMES, grid, turn)
    assert (tmp_path / 'a.nii.gz').read_bytes() == (tmp_path / 'b.nii.gz').read_bytes()
    meaning = json.loads((tmp_path / 'a.json').read_text())
    assert meaning['labels'] == {'1': 'liver', '2': 'spleen'}
    assert meaning['boxes'] == [
        {
            'label': 'spleen',
            'score': 0.75,
            'slices': 1,
            'voxels_xyz': [0, 1, 2, 2, 3, 4],
            'size_mm_xyz': [4, 6, 10],
            'enclosing_mm_lps': [-1, 1.5, 7.5, 3, 7.5, 17.5],
        }
    ]


def test_nothing_found_is_an_empty_map(tmp_path):
    grid = Grid.of_axes((4, 5, 6), (3, 2, 5), 'PLS')
    save_label_map(tmp_path / 'a.nii.gz', found(), NAMES, grid, grid.turn_to('axial'))
    assert not np.asarray(nibabel.load(tmp_path / 'a.nii.gz').dataobj).any()
    assert json.loads((tmp_path / 'a.json').read_text())['boxes'] == []


def test_bad_names_and_other_volumes_are_refused(tmp_path):
    grid = Grid.of_axes((4, 5, 6), (3, 2, 5), 'PLS')
    turn, box = grid.turn_to('axial'), found(([0, 0, 0, 1, 1, 1], 1, 0))
    with pytest.raises(ValueError, match=r"end in \.nii or \.nii\.gz, got 'a\.png'"):
        save_label_map(tmp_path / 'a.png', box, NAMES, grid, turn)
    with pytest.raises(ValueError, match='Label 0 has no name; got 0 names'):
        save_label_map(tmp_path / 'a.nii', box, (), grid, turn)
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / 'o.nii')
    with pytest.raises(
        ValueError, match=r'o\.nii has the shape \(2, 2, 2\), the volume \(4, 5, 6\)'
    ):
        save_label_map(tmp_path / 'a.nii', box, NAMES, grid, turn, like=tmp_path / 'o.nii')
