"""DICOM files at the border."""

import logging
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from mmdet_medglip.ingest.dicom import files as dicom_files
from mmdet_medglip.ingest.dicom.files import integer, number, numbers, open_dicom, text, texts
from tests.ingest import dicom_files as files


def test_file_is_read(tmp_path: Path) -> None:
    path = files.save(tmp_path / 'a.dcm', files.ct_slice(2))
    assert open_dicom(path).Rows == 6
    assert 'PixelData' not in open_dicom(path, pixels=False)
    assert list(open_dicom(path, tags=['Rows']).dir()) == ['Rows']


def test_deflated_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.save(tmp_path / 'a.dcm', files.ct_slice(2), DeflatedExplicitVRLittleEndian)
    assert open_dicom(path).Rows == 6
    monkeypatch.setattr(dicom_files, '_MAX_INFLATED', 100)
    with pytest.raises(ValueError, match='not a readable DICOM file'):
        open_dicom(path)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        pytest.param(b'', 'lacks the mark', id='empty'),
        pytest.param(bytes(128) + b'DICX' + bytes(100), 'lacks the mark', id='magic'),
    ],
)
def test_no_dicom(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / 'a.dcm'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        open_dicom(path).dir()
    with pytest.raises(FileNotFoundError, match='does not exist'):
        open_dicom(tmp_path / 'b.dcm')


def test_limit_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = files.save(tmp_path / 'a.dcm', files.ct_slice(2))
    monkeypatch.setattr(dicom_files, 'MAX_FILE_BYTES', 100)
    with pytest.raises(ValueError, match='over the limit'):
        open_dicom(path)


def test_values() -> None:
    dataset = Dataset()
    dataset.ImageType = ['ORIGINAL', 'PRIMARY']
    dataset.PixelSpacing = [0.5, 0.25]
    dataset.InstanceNumber = 7
    dataset.PatientName = 'Doe^John'
    assert texts(dataset, 'ImageType') == ('ORIGINAL', 'PRIMARY')
    assert text(dataset, 'ImageType') == 'ORIGINAL'
    assert text(dataset, 'PatientName') == 'Doe^John'
    assert numbers(dataset, 'PixelSpacing', 2) == (0.5, 0.25)
    assert numbers(dataset, 'PixelSpacing', 3) is None
    assert number(dataset, 'PixelSpacing') == 0.5
    assert integer(dataset, 'InstanceNumber') == 7
    assert (text(dataset, 'Modality'), number(dataset, 'Rows')) == (None, None)
    assert integer(dataset, 'Rows', 3) == 3


def test_odd_values_are_none_and_stay_out_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    path = files.save(tmp_path / 'a.dcm', files.ct_slice(0, SliceThickness='7.12345'))
    path.write_bytes(path.read_bytes().replace(b'7.12345', b'Doe^Jon'))
    with caplog.at_level(logging.DEBUG):
        dataset = open_dicom(path)
        assert number(dataset, 'SliceThickness') is None
        assert numbers(dataset, 'SliceThickness', 1) is None
    assert 'Doe' not in caplog.text + ''.join(capfd.readouterr())
