"""Real NIfTI volumes: masks to slice boxes, linked along each axis, against the boxes in 3-D."""

import json

import nibabel
import numpy as np
import pytest

from mmdet_medglip.ingest.volumes import PLANES
from mmdet_medglip.ingest.volumes.nifti_file import open_nifti
from mmdet_medglip.structures.box_overlap import pairwise_iou_3d
from mmdet_medglip.volumes import (
    SliceBoxes,
    VolumeBoxes,
    enclosing_mm,
    link_boxes,
    save_label_map,
    voxels,
)

SMALLEST = 30  # voxels


@pytest.fixture(
    params=[
        pytest.param(('ct', 'example_seg.nii.gz'), id='ct-ras'),
        pytest.param(('mri', 'example_seg_mr.nii.gz'), id='mri-lps'),
    ]
)
def labelled(real_data_root, request):
    modality, name = request.param
    path = real_data_root / modality / 'totalsegmentator_nifti' / name
    if not path.is_file():
        pytest.skip(f'there is no file {path}')
    stored = open_nifti(path)
    return path, stored, stored.load()


def structures(values):
    """Voxels of every structure that is in one piece along every axis."""
    for label in np.unique(values[values > 0]).tolist():
        places = np.argwhere(values == label)
        if len(places) >= SMALLEST and all(
            len(np.unique(places[:, axis])) == np.ptp(places[:, axis]) + 1 for axis in range(3)
        ):
            yield label, places


def slice_boxes(shown, labels):
    rows = []
    for number, label in enumerate(labels):
        for index in np.flatnonzero((shown == label).any(axis=(0, 1))).tolist():
            r, c = np.nonzero(shown[:, :, index] == label)
            rows.append((index, [c.min(), r.min(), c.max() + 1, r.max() + 1], number))
    return SliceBoxes(
        [box for _, box, _ in rows],
        [index for index, *_ in rows],
        np.ones(len(rows)),
        [number for *_, number in rows],
    )


@pytest.mark.parametrize('plane', PLANES)
def test_linked_slices_are_the_boxes_in_three_dimensions(labelled, plane):
    """Whatever the axis, the best 3-D box of a structure is the box around all its voxels."""
    _, stored, values = labelled
    known = dict(structures(values))
    turn = stored.grid.turn_to(plane)
    shown = stored.grid.turned(turn)
    labels = list(known)
    found = link_boxes(slice_boxes(turn.apply(values), labels))
    exact = 0
    for number, label in enumerate(labels):
        places = known[label]
        lps = places @ stored.grid.affine[:3, :3].T + stored.grid.affine[:3, 3]
        centres = voxels(lps, shown)
        truth = np.concatenate([centres.min(axis=0) - 0.5, centres.max(axis=0) + 0.5])
        overlap = pairwise_iou_3d([truth], found.boxes[found.labels == number])
        exact += overlap.max() > 1 - 1e-6
    # The others jump aside between two slices of 3 mm, as vessels and bowel do.
    assert len(labels) >= 19
    assert exact / len(labels) >= 0.85


def test_a_label_map_of_boxes_lies_on_the_volume(labelled, tmp_path):
    path, stored, values = labelled
    turn = stored.grid.turn_to('axial')
    shown = stored.grid.turned(turn)
    for label, places in structures(values):
        centres = voxels(places @ stored.grid.affine[:3, :3].T + stored.grid.affine[:3, 3], shown)
        box = np.concatenate([centres.min(axis=0) - 0.5, centres.max(axis=0) + 0.5])
        found = VolumeBoxes(box[None], np.ones(1), np.zeros(1, int), ((0,),), {})
        out = tmp_path / 'box.nii.gz'
        save_label_map(out, found, ['thing'], stored.grid, turn, like=path)
        written = nibabel.load(out)
        np.testing.assert_array_equal(written.affine, nibabel.load(path).affine)
        marked = np.argwhere(np.asarray(written.dataobj))
        assert marked.min(axis=0).tolist() == places.min(axis=0).tolist(), label
        assert marked.max(axis=0).tolist() == places.max(axis=0).tolist(), label
        (told,) = json.loads((tmp_path / 'box.json').read_text())['boxes']
        assert np.allclose(told['enclosing_mm_lps'], enclosing_mm(box[None], shown)[0])
        break
    else:
        pytest.fail('the volume has no structure in one piece')
