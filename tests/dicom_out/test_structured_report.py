import logging

import numpy as np
import pytest
from pydicom import dcmread

from mmdet_medglip.dicom_out import (
    Algorithm,
    Finding,
    Identity,
    Region,
    findings_of_image,
    read_report,
    write_reports,
)
from mmdet_medglip.dicom_out.plane_points import box_of_points
from mmdet_medglip.ingest.dicom.basic_profile import basic_profile_clean
from mmdet_medglip.ingest.dicom.frames import plane_of
from tests.ingest import dicom_files as files

pytest.importorskip('highdicom', reason='pip install highdicom')

MODEL = Algorithm('ct', weights='epoch_36')
KEY = bytes(range(32))


def findings_on(series):
    """A kidney on one slice, a liver over three, and a stone that has no public code."""
    return [
        *findings_of_image(series[1], [[1.25, 0, 4.5, 6]], [0.875], ['kidney_left']),
        Finding(
            'liver', 0.75, tuple(Region(path, (0, 1, 5 + i, 4)) for i, path in enumerate(series))
        ),
        *findings_of_image(series[2], [[6, 4, 8, 6]], [1 / 3], ['kidney_stone']),
    ]


def test_findings_come_back_exactly(series, tmp_path, valid):
    (path,) = write_reports(findings_on(series), tmp_path / 'out', MODEL)
    valid(path, 'ComprehensiveSR')
    kidney, liver, stone = read_report(path)
    assert (kidney.label, kidney.score, kidney.side) == ('kidney_left', 0.875, 'left')
    assert (liver.kind, liver.side) == (('SCT', '10200004'), None)
    assert (stone.kind, stone.score) == (('99MEDGLIP', 'kidney_stone'), 1 / 3)
    assert [region.uid for region in kidney.regions] == [files.slice_uid(1)]
    assert kidney.regions[0].box == (1.25, 0, 4.5, 6)
    assert [region.uid for region in liver.regions] == [files.slice_uid(i) for i in range(3)]
    assert [region.box for region in liver.regions] == [(0, 1, 5 + i, 4) for i in range(3)]
    report = dcmread(path)
    assert path.name == f'{report.SOPInstanceUID}.dcm'
    assert report.StudyInstanceUID == '2.25.10'
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    (referred,) = evidence.ReferencedSeriesSequence
    assert referred.SeriesInstanceUID == files.SERIES
    assert {item.ReferencedSOPInstanceUID for item in referred.ReferencedSOPSequence} == {
        files.slice_uid(i) for i in range(3)
    }


def test_in_the_patient_they_land_on_the_same_pixels(series, tmp_path, valid):
    findings = findings_on(series)
    (path,) = write_reports(findings, tmp_path, MODEL, space='patient')
    valid(path, 'Comprehensive3DSR')
    for finding, read in zip(findings, read_report(path), strict=True):
        assert (read.label, read.score) == (finding.label, finding.score)
        for region, drawn in zip(finding.regions, read.regions, strict=True):
            assert (drawn.uid, drawn.box) == (None, None)
            box, away = box_of_points(drawn.points_mm, plane_of(dcmread(region.path)))
            assert box == pytest.approx(region.box, abs=1e-5)
            assert away < 1e-5


def test_nothing_found_is_said(series, tmp_path, valid):
    (path,) = write_reports([], tmp_path, MODEL, images=series)
    valid(path, 'ComprehensiveSR')
    assert read_report(path) == []
    assert 'Nothing found' in str(dcmread(path))
    with pytest.raises(ValueError, match='nothing to report on'):
        write_reports([], tmp_path, MODEL)


@pytest.mark.parametrize(
    'identity', [Identity(), Identity('mapped', KEY)], ids=['removed', 'mapped']
)
@pytest.mark.parametrize('space', ['image', 'patient'])
def test_no_secret_of_the_headers_gets_out(
    series, tmp_path, no_secret, caplog, capsys, identity, space
):
    with caplog.at_level(logging.DEBUG):
        (path,) = write_reports(
            findings_on(series), tmp_path / 'out', MODEL, space=space, identity=identity
        )
    printed = capsys.readouterr()
    no_secret(path, caplog.text, printed.out, printed.err)
    report = dcmread(path)
    assert report.PatientIdentityRemoved == 'YES'
    assert (str(report.PatientName), report.PatientBirthDate, report.StudyDate) == ('', '', '')
    codes = [item.CodeValue for item in report.DeidentificationMethodCodeSequence]
    assert codes == ['113100', '113110'][: 2 if identity.kind == 'removed' else 1]


def test_mapped_reports_belong_to_the_cleaned_images(series, tmp_path):
    (path,) = write_reports(findings_on(series), tmp_path, MODEL, identity=Identity('mapped', KEY))
    cleaned = [basic_profile_clean(dcmread(source), KEY) for source in series]
    report = dcmread(path)
    assert report.StudyInstanceUID == cleaned[0].StudyInstanceUID
    assert report.PatientID == cleaned[0].PatientID
    liver = read_report(path)[1]
    assert [region.uid for region in liver.regions] == [one.SOPInstanceUID for one in cleaned]


def test_kept_reports_say_whose_they_are(series, tmp_path, valid, clock):
    identity = Identity('kept')
    (path,) = write_reports(findings_on(series), tmp_path, MODEL, identity=identity, clock=clock)
    valid(path, 'ComprehensiveSR')
    report, source = dcmread(path), dcmread(series[0])
    for keyword in ('PatientName', 'PatientID', 'StudyDate', 'AccessionNumber', 'PatientSex'):
        assert str(report.get(keyword)) == str(source.get(keyword)) != ''
    assert 'PatientIdentityRemoved' not in report
    assert 'PatientComments' not in report
    assert (report.ContentDate, report.ContentTime) == ('20300102', '030405')


def test_names_of_other_alphabets_are_kept(tmp_path):
    source = files.ct_slice(0, SpecificCharacterSet='ISO_IR 100', PatientName='Müller^Jörg')
    path = files.save(tmp_path / 'a.dcm', source)
    findings = findings_of_image(path, [[0, 0, 2, 2]], [1], ['liver'])
    (out,) = write_reports(findings, tmp_path, MODEL, identity=Identity('kept'))
    assert str(dcmread(out).PatientName) == 'Müller^Jörg'


def test_one_report_for_each_study(tmp_path):
    paths = [
        files.save(tmp_path / f'{i}.dcm', files.ct_slice(i, StudyInstanceUID=f'2.25.{9 + i}'))
        for i in range(2)
    ]
    findings = [f for p in paths for f in findings_of_image(p, [[0, 0, 2, 2]], [1], ['liver'])]
    written = write_reports(findings, tmp_path / 'out', MODEL)
    assert [dcmread(path).StudyInstanceUID for path in written] == ['2.25.10', '2.25.9']
    assert [len(read_report(path)) for path in written] == [1, 1]


def test_frames_are_named(tmp_path, valid):
    dataset = files.new_dataset('2.25.77', files.ULTRASOUND, 'US')
    files.set_pixels(dataset, np.zeros((4, 6, 8), np.uint8))
    path = files.save(tmp_path / 'a.dcm', dataset)
    findings = findings_of_image(path, [[1, 2, 3, 4]], [1], ['thyroid_nodule'], frame=2)
    (out,) = write_reports(findings, tmp_path / 'out', MODEL)
    valid(out, 'ComprehensiveSR')
    ((region,),) = (finding.regions for finding in read_report(out))
    assert (region.uid, region.frame, region.box) == ('2.25.77', 2, (1, 2, 3, 4))
    beyond = findings_of_image(path, [[1, 2, 3, 4]], [1], ['thyroid_nodule'], frame=4)
    with pytest.raises(ValueError, match='has 4 frames, there is no frame 4'):
        write_reports(beyond, tmp_path / 'out', MODEL)
    with pytest.raises(ValueError, match="use space='image'"):
        write_reports(findings, tmp_path / 'out', MODEL, space='patient')


def test_boxes_are_clipped_to_the_image_and_outside_of_it_refused(series, tmp_path):
    findings = findings_of_image(series[0], [[-3, -1, 99, 2]], [1], ['liver'])
    (path,) = write_reports(findings, tmp_path, MODEL)
    assert read_report(path)[0].regions[0].box == (0, 0, 8, 2)
    outside = findings_of_image(series[0], [[8, 0, 9, 2]], [1], ['liver'])
    with pytest.raises(ValueError, match='outside the image of 8 x 6 pixels'):
        write_reports(outside, tmp_path, MODEL)


def test_words_are_written_with_leave_only(series, tmp_path):
    findings = findings_of_image(series[0], [[0, 0, 2, 2]], [1], ['bright spot of Mr Doe'])
    with pytest.raises(ValueError, match='allow_words=True'):
        write_reports(findings, tmp_path / 'out', MODEL)
    assert not (tmp_path / 'out').exists()
    (path,) = write_reports(findings, tmp_path / 'out', MODEL, allow_words=True)
    assert read_report(path)[0].label == 'bright spot of Mr Doe'


def test_bad_files_and_arguments_are_named(series, tmp_path):
    findings = findings_of_image(tmp_path / 'none.dcm', [[0, 0, 2, 2]], [1], ['liver'])
    with pytest.raises(FileNotFoundError, match=r'none\.dcm does not exist'):
        write_reports(findings, tmp_path, MODEL)
    (tmp_path / 'text.dcm').write_text('no')
    with pytest.raises(ValueError, match=r'text\.dcm is not a DICOM file'):
        write_reports([], tmp_path, MODEL, images=[tmp_path / 'text.dcm'])
    with pytest.raises(ValueError, match="space must be 'image' or 'patient'"):
        write_reports(findings, tmp_path, MODEL, space='room')
    with pytest.raises(ValueError, match='is no comprehensive structured report'):
        read_report(series[0])
    report = dcmread(write_reports(findings_on(series), tmp_path, MODEL)[0])
    del report.ContentSequence[-1]
    report.save_as(tmp_path / 'cut.dcm')
    with pytest.raises(ValueError, match=r'cut\.dcm is no measurement report'):
        read_report(tmp_path / 'cut.dcm')


def test_without_highdicom_the_error_says_what_to_install(series, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'highdicom', None)
    with pytest.raises(ImportError, match='pip install "highdicom'):
        write_reports(findings_on(series), tmp_path, MODEL)
