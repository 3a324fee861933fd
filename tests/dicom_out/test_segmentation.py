import numpy as np
import pytest
from pydicom import dcmread

from mmdet_medglip.dicom_out import (
    Algorithm,
    Finding,
    Identity,
    Region,
    findings_of_image,
    write_segmentations,
)
from mmdet_medglip.ingest.dicom.segmentation import read_segments, segment_names
from tests.ingest import dicom_files as files

pytest.importorskip('highdicom', reason='pip install highdicom')

MODEL = Algorithm('ct')


def test_segments_hold_the_pixels_of_the_boxes(series, tmp_path, valid):
    findings = [
        Finding('liver', 0.75, tuple(Region(path, (0, 1, 5, 4)) for path in series[:2])),
        *findings_of_image(series[1], [[1.5, 0.4, 4.4, 5.6]], [0.5], ['kidney_left']),
    ]
    (path,) = write_segmentations(findings, tmp_path / 'out', MODEL)
    valid(path, 'Segmentation')
    found = {(frame.segment, frame.sources[0][0]): frame for frame in read_segments(path)}
    assert set(found) == {
        (1, files.slice_uid(0)),
        (1, files.slice_uid(1)),
        (2, files.slice_uid(1)),
    }
    rows, columns = np.nonzero(found[1, files.slice_uid(0)].mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 3, 0, 4)
    # Centres between 1.5 and 4.4 are those of columns 1 to 3.
    rows, columns = np.nonzero(found[2, files.slice_uid(1)].mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 5, 1, 3)
    assert found[2, files.slice_uid(1)].plane.position == (10, 20, 5)


def test_every_segment_says_that_it_is_a_box(series, tmp_path):
    findings = findings_of_image(series[0], [[0, 0, 2, 2]], [0.5], ['kidney_left'])
    (path,) = write_segmentations(findings, tmp_path, MODEL)
    written = dcmread(path)
    assert segment_names(written) == {1: 'left kidney (box) 1'}
    assert segment_names(written, 'type') == {1: 'Left kidney'}
    (segment,) = written.SegmentSequence
    assert 'not its outline' in segment.SegmentDescription
    assert 'not its outline' in written.ContentDescription
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == '64033007'


def test_a_single_image_may_count_its_one_frame(tmp_path):
    path = files.save(tmp_path / 'a.dcm', files.ct_slice(0, NumberOfFrames=1))
    (out,) = write_segmentations(
        findings_of_image(path, [[0, 0, 2, 2]], [1], ['liver']), tmp_path / 'out', MODEL
    )
    (frame,) = read_segments(out)
    assert frame.mask.sum() == 4


def test_an_image_of_a_class_with_frames_is_refused(tmp_path):
    dose = files.ct_slice(0, SOPClassUID='1.2.840.10008.5.1.4.1.1.481.2')
    findings = findings_of_image(
        files.save(tmp_path / 'a.dcm', dose), [[0, 0, 2, 2]], [1], ['liver']
    )
    with pytest.raises(ValueError, match=r'a\.dcm is an image of the class RT Dose .* no segment'):
        write_segmentations(findings, tmp_path / 'out', MODEL)


@pytest.mark.parametrize('identity', [Identity(), Identity('mapped', bytes(32))])
def test_no_secret_of_the_headers_gets_out(series, tmp_path, no_secret, caplog, identity):
    findings = findings_of_image(series[0], [[0, 0, 2, 2]], [0.5], ['liver'])
    (path,) = write_segmentations(findings, tmp_path / 'out', MODEL, identity=identity)
    no_secret(path, caplog.text)
    assert dcmread(path).PatientIdentityRemoved == 'YES'


def test_one_file_for_each_series_and_none_for_nothing(tmp_path):
    paths = [
        files.save(tmp_path / f'{i}.dcm', files.ct_slice(i, SeriesInstanceUID=f'2.25.{50 + i}'))
        for i in range(2)
    ]
    findings = [f for p in paths for f in findings_of_image(p, [[0, 0, 2, 2]], [1], ['liver'])]
    assert len(write_segmentations(findings, tmp_path / 'out', MODEL)) == 2
    assert write_segmentations([], tmp_path / 'none', MODEL) == ()
    across = [Finding('liver', 1, tuple(Region(path, (0, 0, 2, 2)) for path in paths))]
    with pytest.raises(ValueError, match='on images of several series'):
        write_segmentations(across, tmp_path / 'out', MODEL)


def test_what_cannot_be_filled_is_refused(series, tmp_path):
    tiny = findings_of_image(series[0], [[0.6, 0.6, 1.4, 1.4]], [1], ['liver'])
    with pytest.raises(ValueError, match='holds no pixel centre'):
        write_segmentations(tiny, tmp_path, MODEL)
    flat = files.save(tmp_path / 'x.dcm', files.ct_slice(9, ImagePositionPatient=None))
    with pytest.raises(ValueError, match=r'x\.dcm does not say where it lies'):
        write_segmentations(
            findings_of_image(flat, [[0, 0, 2, 2]], [1], ['liver']), tmp_path, MODEL
        )
