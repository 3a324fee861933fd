from pathlib import Path

import numpy as np
import pydicom
import pytest

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.routing.dicom_tag import modality_in_header


def write(path: Path, code: str | None) -> Path:
    """A small file whose header names a modality."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = '1.2.840.10008.5.1.4.1.1.7', '2.25.1'
    if code is not None:
        dataset.Modality = code
    dataset.file_meta = pydicom.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ('code', 'modality'),
    [
        pytest.param('CT', 'ct', id='ct'),
        pytest.param('MR', 'mri', id='mr'),
        pytest.param('DX', 'xray', id='digital-radiograph'),
        pytest.param('MG', 'xray', id='mammogram'),
        pytest.param('US', 'ultrasound', id='ultrasound'),
        pytest.param('ES', 'endoscopy', id='endoscope'),
        pytest.param('OP', 'fundus', id='fundus-camera'),
        pytest.param('DMS', 'dermoscopy', id='dermoscope'),
        pytest.param('OT', None, id='other-is-open'),
        pytest.param('XC', None, id='photograph-is-open'),
        pytest.param(None, None, id='nothing-is-open'),
        pytest.param('PT', 'unrouted', id='pet-is-not-served'),
        pytest.param('SR', 'unrouted', id='a-report-is-no-image'),
    ],
)
def test_codes(tmp_path, code, modality):
    path = write(tmp_path / 'a.dcm', code)
    assert modality_in_header(path, Ontology.default()) == modality


def test_another_file_says_nothing(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(np.zeros(300, np.uint8).tobytes())
    assert modality_in_header(path, Ontology.default()) is None


def test_a_damaged_header_is_an_error(tmp_path):
    path = tmp_path / 'a.dcm'
    path.write_bytes(b'\0' * 128 + b'DICM' + b'\xff' * 40)
    with pytest.raises(ValueError, match=r'a\.dcm is not a readable DICOM file'):
        modality_in_header(path, Ontology.default())
