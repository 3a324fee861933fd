"""Real slices and real masks through the whole way: boxes, linking, objects, and back."""

import numpy as np
import pytest
from pydicom import dcmread

from mmdet_medglip.dicom_out import (
    Algorithm,
    findings_of_image,
    findings_of_volume,
    read_report,
    write_presentations,
    write_reports,
    write_segmentations,
)
from mmdet_medglip.dicom_out.plane_points import box_of_points
from mmdet_medglip.ingest.dicom.frames import frames_of, plane_of
from mmdet_medglip.ingest.dicom.scan import group_images, read_header, stack_of_files
from mmdet_medglip.ingest.dicom.segmentation import read_segments
from mmdet_medglip.ingest.dicom.stacks import read_seg
from mmdet_medglip.ingest.volumes import Turn
from mmdet_medglip.volumes import LinkSettings, SliceBoxes, enclosing_mm, link_boxes

pytest.importorskip('highdicom', reason='pip install highdicom')

MODEL = Algorithm('truth')
AS_STORED = Turn((0, 1, 2), (False, False, False))


@pytest.fixture
def ct(real_data_root):
    """Three CT slices, the liver's SEG on them, and where they are."""
    folder = real_data_root / 'dicom' / 'dcmqi_ct_seg'
    files = sorted((folder / 'ct-3slice').glob('*.dcm'))
    if not (files and (folder / 'liver.dcm').is_file()):
        pytest.skip(f'there are no CT slices with a segmentation in {folder}')
    headers = [read_header(path) for path in files]
    ((group,), faults) = group_images(headers, [str(path) for path in files])
    assert not faults
    paths = [header.path for header in group.headers]
    return folder, stack_of_files(paths), paths


def mask_of(folder, stack):
    """The liver of the SEG, in the raster of the stack."""
    (masks,) = read_seg(
        folder / 'liver.dcm', stack.grid.shape, stack.number_of, stack
    ).masks.values()
    structure = masks.structure('liver', 'single', 'liver', AS_STORED)
    mask = np.zeros(stack.grid.shape, bool)
    for index in range(stack.grid.shape[2]):
        for region in structure.regions(index, stack.size):
            mask[:, :, index] |= region.mask
    return mask


def boxes_of(mask):
    """The box of a mask on each slice that shows it."""
    boxes, slices = [], []
    for index in range(mask.shape[2]):
        rows, columns = np.nonzero(mask[:, :, index])
        if len(rows):
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            boxes.append(box)
            slices.append(index)
    return np.array(boxes), np.array(slices)


def test_boxes_of_shown_slices_come_back_on_the_mask(ct, tmp_path, valid):
    """Masks to boxes on upright slices, linked, written, read: the box of the mask again."""
    folder, stack, paths = ct
    mask = mask_of(folder, stack)
    stored_boxes, stored_slices = boxes_of(mask)
    turn = stack.grid.turn_to('axial', across=2)
    boxes, slices = boxes_of(turn.apply(mask))
    found = SliceBoxes(boxes, slices, np.linspace(0.9, 0.8, len(boxes)), np.zeros(len(boxes)))
    linked = link_boxes(found)
    assert len(linked) == 1
    findings = findings_of_volume(linked, found, ['liver'], stack, paths, turn)
    expected = {
        stack.frames[index].uid: tuple(map(float, box))
        for index, box in zip(stored_slices, stored_boxes, strict=True)
    }
    assert len(expected) == 3

    (path,) = write_reports(findings, tmp_path, MODEL)
    valid(path, 'ComprehensiveSR')
    (read,) = read_report(path)
    assert {region.uid: region.box for region in read.regions} == expected

    (path,) = write_reports(findings, tmp_path, MODEL, space='patient')
    valid(path, 'Comprehensive3DSR')
    (read,) = read_report(path)
    planes = {frame.uid: stack.plane_at(i) for i, frame in enumerate(stack.frames)}
    for region in read.regions:
        uid = min(planes, key=lambda uid: box_of_points(region.points_mm, planes[uid])[1])
        box, away = box_of_points(region.points_mm, planes[uid])
        # SCOORD3D holds float32: 1e-4 pixels, a ten-thousandth of a millimetre.
        assert box == pytest.approx(expected.pop(uid), abs=1e-4)
        assert away < 1e-4
    assert not expected
    corners = np.concatenate([region.points_mm for region in read.regions])
    around = enclosing_mm(linked.boxes, stack.grid.turned(turn))[0]
    step = stack.step / 2
    assert np.allclose(around[:3] + np.array([0, 0, step]), corners.min(axis=0), atol=1e-3)
    assert np.allclose(around[3:] - np.array([0, 0, step]), corners.max(axis=0), atol=1e-3)

    (path,) = write_segmentations(findings, tmp_path, MODEL)
    valid(path, 'Segmentation')
    for frame in read_segments(path):
        index = stack.number_of(*frame.sources[0])
        row = stored_slices.tolist().index(index)
        x1, y1, x2, y2 = stored_boxes[row]
        assert frame.mask.sum() == (x2 - x1) * (y2 - y1)
        assert frame.mask[y1:y2, x1:x2].all()
        assert not (mask[:, :, index] & ~frame.mask).any(), 'the liver is in its box'

    (path,) = write_presentations(findings, tmp_path, MODEL)
    valid(path, 'GrayscaleSoftcopyPresentationState')


def test_no_patient_of_the_slices_is_in_what_is_written(ct, tmp_path):
    _, _, paths = ct
    findings = findings_of_image(paths[0], [[10, 10, 90, 90]], [0.5], ['liver'])
    source = dcmread(paths[0], stop_before_pixels=True)
    secrets = {
        str(source.get(keyword)).encode()
        for keyword in ('PatientName', 'PatientID', 'AccessionNumber', 'StudyDate', 'PatientAge')
        if str(source.get(keyword) or '')
    }
    assert len(secrets) == 5
    for write in (write_reports, write_segmentations, write_presentations):
        (path,) = write(findings, tmp_path, MODEL)
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret in content]


def test_frames_of_a_real_enhanced_file(real_data_root, tmp_path, valid):
    path = real_data_root / 'dicom' / 'dcmqi_ct_seg' / '24x38x3' / 'multiframe' / 'mf.dcm'
    if not path.is_file():
        pytest.skip(f'there is no file {path}')
    frames = frames_of(dcmread(path, stop_before_pixels=True))
    findings = [
        one
        for frame in range(3)
        for one in findings_of_image(path, [[2, 3, 9, 20]], [0.5], ['liver'], frame=frame)
    ]
    (out,) = write_reports(findings, tmp_path, MODEL)
    valid(out, 'ComprehensiveSR')
    assert [one.regions[0].frame for one in read_report(out)] == [0, 1, 2]
    (out,) = write_reports(findings, tmp_path, MODEL, space='patient')
    valid(out, 'Comprehensive3DSR')
    for frame, one in zip(frames, read_report(out), strict=True):
        box, away = box_of_points(one.regions[0].points_mm, frame.plane)
        assert box == pytest.approx((2, 3, 9, 20), abs=1e-4)
        assert away < 1e-4


def test_slices_that_are_linked_on_an_upright_volume_keep_their_files(ct):
    _, stack, paths = ct
    turn = stack.grid.turn_to('axial', across=2)
    found = SliceBoxes([[0, 0, 5, 5]] * 3, [0, 1, 2], [0.9, 0.8, 0.7], [0, 0, 0])
    linked = link_boxes(found, LinkSettings())
    (finding,) = findings_of_volume(linked, found, ['liver'], stack, paths, turn)
    heights = [
        plane_of(dcmread(region.path, stop_before_pixels=True)).position[2]
        for region in finding.regions
    ]
    shown = stack.grid.turned(turn)
    expected = [(shown.affine @ [0, 0, k, 1])[2] for k in range(3)]
    assert np.allclose(heights, expected, atol=1e-3)
