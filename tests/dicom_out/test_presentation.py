import numpy as np
import pytest
from pydicom import dcmread

from mmdet_medglip.dicom_out import (
    Algorithm,
    Finding,
    Identity,
    Region,
    findings_of_image,
    write_presentations,
)
from tests.ingest import dicom_files as files

pytest.importorskip('highdicom', reason='pip install highdicom')

MODEL = Algorithm('ct')


def drawn_in(path):
    """Rows of (image, rectangle, words) of a presentation state."""
    found = []
    for annotation in dcmread(path).GraphicAnnotationSequence:
        (image,) = annotation.ReferencedImageSequence
        (shape,) = annotation.GraphicObjectSequence
        (words,) = annotation.TextObjectSequence
        assert (shape.GraphicType, shape.GraphicAnnotationUnits) == ('POLYLINE', 'PIXEL')
        points = np.array(shape.GraphicData).reshape(-1, 2)
        assert points[0].tolist() == points[-1].tolist()
        box = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
        found.append((image.ReferencedSOPInstanceUID, box, words.UnformattedTextValue))
    return found


def test_rectangles_and_names_are_over_the_images(series, tmp_path, valid):
    findings = [
        Finding('liver', 0.75, tuple(Region(path, (0, 1, 5, 4)) for path in series[:2])),
        *findings_of_image(series[1], [[1.5, 0.5, 4.25, 5.5]], [0.5], ['kidney_left']),
    ]
    (path,) = write_presentations(findings, tmp_path / 'out', MODEL)
    valid(path, 'GrayscaleSoftcopyPresentationState')
    assert drawn_in(path) == [
        (files.slice_uid(0), (0, 1, 5, 4), 'liver 0.75'),
        (files.slice_uid(1), (0, 1, 5, 4), 'liver 0.75'),
        (files.slice_uid(1), (1.5, 0.5, 4.25, 5.5), 'left kidney 0.50'),
    ]


def test_the_images_keep_their_greys(series, tmp_path):
    findings = findings_of_image(series[0], [[0, 0, 2, 2]], [1], ['liver'])
    (path,) = write_presentations(findings, tmp_path, MODEL)
    written = dcmread(path)
    assert (written.RescaleSlope, written.RescaleIntercept) == (1, -1024)
    (voi,) = written.SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth) == (40, 400)
    assert written.PresentationLUTShape == 'IDENTITY'


def test_images_whose_lowest_value_is_white_stay_so(tmp_path):
    source = files.ct_slice(0, PhotometricInterpretation='MONOCHROME1')
    path = files.save(tmp_path / 'a.dcm', source)
    findings = findings_of_image(path, [[0, 0, 2, 2]], [1], ['liver'])
    (out,) = write_presentations(findings, tmp_path, MODEL)
    assert dcmread(out).PresentationLUTShape == 'INVERSE'


@pytest.mark.parametrize('identity', [Identity(), Identity('mapped', bytes(32))])
def test_no_secret_of_the_headers_gets_out(series, tmp_path, no_secret, caplog, identity):
    findings = findings_of_image(series[0], [[0, 0, 2, 2]], [0.5], ['liver'])
    (path,) = write_presentations(findings, tmp_path / 'out', MODEL, identity=identity)
    no_secret(path, caplog.text)
    assert dcmread(path).PatientIdentityRemoved == 'YES'


def test_what_would_look_otherwise_is_refused(tmp_path):
    colour = files.new_dataset('2.25.77', files.ULTRASOUND, 'US')
    files.set_pixels(colour, np.zeros((6, 8, 3), np.uint8))
    table = files.ct_slice(0)
    table.VOILUTSequence = [files.item(LUTExplanation='x')]
    for dataset, message in ((colour, 'is a colour image'), (table, 'has tables')):
        path = files.save(tmp_path / 'a.dcm', dataset)
        findings = findings_of_image(path, [[0, 0, 2, 2]], [1], ['thyroid_nodule'])
        with pytest.raises(ValueError, match=message):
            write_presentations(findings, tmp_path, MODEL)
    assert write_presentations([], tmp_path, MODEL) == ()


def test_a_single_image_may_count_its_one_frame(tmp_path):
    path = files.save(tmp_path / 'a.dcm', files.ct_slice(0, NumberOfFrames=1))
    findings = findings_of_image(path, [[0, 0, 2, 2]], [1], ['liver'])
    (out,) = write_presentations(findings, tmp_path / 'out', MODEL)
    assert drawn_in(out) == [(files.slice_uid(0), (0, 0, 2, 2), 'liver 1.00')]
    (annotation,) = dcmread(out).GraphicAnnotationSequence
    assert 'ReferencedFrameNumber' not in annotation.ReferencedImageSequence[0]


@pytest.mark.parametrize('frames', [1, 3])
def test_an_image_of_a_class_with_frames_that_does_not_say_how_they_are_shown_is_refused(
    tmp_path, frames
):
    film = files.new_dataset('2.25.77', files.ULTRASOUND, 'US')
    path = files.save(
        tmp_path / 'a.dcm', files.set_pixels(film, np.zeros((frames, 6, 8), np.uint8))
    )
    findings = findings_of_image(path, [[0, 0, 2, 2]], [1], ['thyroid_nodule'])
    message = r'a\.dcm is an image of the class Ultrasound Multi-frame .* write a report instead'
    with pytest.raises(ValueError, match=message):
        write_presentations(findings, tmp_path / 'out', MODEL)
    assert not (tmp_path / 'out').exists()
