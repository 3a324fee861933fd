"""DICOM files as pictures of annotations."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from mmdet_medglip.ingest.pictures import load_picture


def _save(path: Path, values: np.ndarray, **tags: object) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b'\0' * 128)
    bits = 8 * values.dtype.itemsize
    standard = {
        'SOPClassUID': meta.MediaStorageSOPClassUID,
        'SOPInstanceUID': meta.MediaStorageSOPInstanceUID,
        'PatientName': 'Doe^Jane',
        'Rows': values.shape[-2],
        'Columns': values.shape[-1],
        'SamplesPerPixel': 1,
        'PhotometricInterpretation': 'MONOCHROME2',
        'BitsAllocated': bits,
        'BitsStored': bits,
        'HighBit': bits - 1,
        'PixelRepresentation': int(values.dtype.kind == 'i'),
        'PixelData': values.tobytes(),
    }
    for tag, value in (standard | tags).items():
        setattr(dataset, tag, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_radiograph(tmp_path: Path) -> None:
    values = np.array([[0, 4095], [7, 9]], dtype=np.uint16)
    tags = {'Modality': 'DX', 'ViewPosition': 'PA', 'PixelSpacing': [0.2, 0.1]}
    path = _save(tmp_path / 'a.dicom', values, WindowCenter=2000, WindowWidth=3000, **tags)
    picture = load_picture(path)
    np.testing.assert_array_equal(picture.image, values)
    assert (picture.size, picture.spacing_mm, picture.view) == ((2, 2), (0.2, 0.1), 'PA')
    assert (picture.window, picture.rescale_type) == ((2000, 3000), None)
    assert (picture.patient, picture.modality, picture.flags) == (None, None, ())


def test_inverted_radiograph(tmp_path: Path) -> None:
    values = np.array([[0, 255, 7, 9]], dtype=np.uint8)
    tags = {'PhotometricInterpretation': 'MONOCHROME1'}
    picture = load_picture(_save(tmp_path / 'a.dcm', values, **tags))
    assert picture.image.tolist() == [[255, 0, 248, 246]]


def test_ct_keeps_hounsfield_units(tmp_path: Path) -> None:
    values = np.array([[-1000, 3000]], dtype=np.int16)
    tags = {'Modality': 'CT', 'RescaleSlope': 1, 'RescaleIntercept': -24}
    picture = load_picture(_save(tmp_path / 'a.dcm', values, **tags))
    physical = picture.rescale_slope * picture.image + picture.rescale_intercept
    assert physical.tolist() == [[-1024, 2976]]
    assert (picture.image.dtype, picture.rescale_type) == (np.uint16, 'HU')


def test_several_frames_are_refused(tmp_path: Path) -> None:
    path = _save(tmp_path / 'a.dcm', np.zeros((3, 2, 2), np.uint8), NumberOfFrames=3)
    with pytest.raises(ValueError, match=r'a\.dcm holds 3 frames'):
        load_picture(path)


def test_truncated_pixels(tmp_path: Path) -> None:
    path = _save(tmp_path / 'a.dcm', np.zeros((20, 20), np.uint8), PixelData=b'\0' * 10)
    with pytest.raises(ValueError, match=r'a\.dcm'):
        load_picture(path)


def test_text_is_no_dicom(tmp_path: Path) -> None:
    (tmp_path / 'a.dcm').write_text('nothing')
    with pytest.raises(ValueError, match='not a DICOM file'):
        load_picture(tmp_path / 'a.dcm')


def test_real_slice(real_data_root: Path) -> None:
    [path, *_] = sorted((real_data_root / 'dicom' / 'dcmqi_ct_seg' / 'ct-3slice').glob('*.dcm'))
    picture = load_picture(path)
    low = picture.rescale_slope * float(picture.image.min()) + picture.rescale_intercept
    assert picture.rescale_type == 'HU'
    assert -3100 < low < -900
