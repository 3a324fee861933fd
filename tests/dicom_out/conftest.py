"""Small DICOM series whose headers are full of what must not get out."""

import shutil
import subprocess
import warnings
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from tests.ingest import dicom_files as files

SECRET = 'SECRET'
"""Part of every word that must not get out."""

SECRET_NUMBERS = ('19470304', '20190817', '214159')


def planted(index, pixels=None, **changes):
    """A CT slice with secrets wherever a header has room for words, dates and private tags."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # words where codes belong
        return _planted(index, pixels, **changes)


def _planted(index, pixels, **changes):
    dataset = files.ct_slice(index, pixels, **changes)
    for keyword in (
        *('PatientName', 'OtherPatientNames', 'ReferringPhysicianName', 'OperatorsName'),
        *('PatientID', 'OtherPatientIDs', 'IssuerOfPatientID', 'AccessionNumber', 'StudyID'),
        *('StudyDescription', 'SeriesDescription', 'ProtocolName', 'PatientComments'),
        *(
            'InstitutionName',
            'InstitutionAddress',
            'StationName',
            'ImageComments',
            'PatientAddress',
        ),
        *('DeviceSerialNumber', 'BodyPartExamined', 'ContentLabel', 'Manufacturer'),
        *('ManufacturerModelName', 'SoftwareVersions', 'RescaleType', 'ConversionType'),
        *('WindowCenterWidthExplanation', 'PositionReferenceIndicator', 'Laterality'),
    ):
        setattr(dataset, keyword, f'{SECRET}{keyword[:6]}')
    for keyword in ('PatientBirthDate', 'StudyDate', 'SeriesDate', 'ContentDate'):
        setattr(dataset, keyword, SECRET_NUMBERS[keyword != 'PatientBirthDate'])
    dataset.StudyTime = SECRET_NUMBERS[2]
    dataset.PatientSex = 'F'
    dataset.SpecificCharacterSet = 'ISO_IR 100'
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    block = dataset.private_block(0x0009, f'{SECRET} MAKER', create=True)
    block.add_new(1, 'LO', f'{SECRET}private')
    dataset.ReferencedPatientSequence = [files.item(PatientName=f'{SECRET}^nested')]
    dataset.OtherPatientIDsSequence = [files.item(PatientID=f'{SECRET}other')]
    return dataset


@pytest.fixture
def series(tmp_path):
    """Three slices in a folder and in files of secret names."""
    folder = tmp_path / f'{SECRET}_DOE_JOHN'
    return [
        files.save(folder / f'{SECRET}-{index}.dcm', planted(index, np.full((6, 8), 3, np.int16)))
        for index in range(3)
    ]


@pytest.fixture
def clock():
    """A clock that stands still."""
    return lambda: datetime(2030, 1, 2, 3, 4, 5)


@pytest.fixture
def no_secret():
    """Check that a file, its name and some text hold no secret in any of DICOM's encodings."""

    def check(path: Path, *texts: str) -> None:
        content = path.read_bytes()
        for word in (SECRET, *SECRET_NUMBERS):
            for encoded in (word.encode(), word.encode('utf-16-le'), word.lower().encode()):
                assert encoded not in content
            for text in (path.name, *texts):
                assert word not in text

    return check


@pytest.fixture
def valid():
    """Check a file by dciodvfy of dicom3tools, where it is installed: no error."""

    def check(path: Path, kind: str) -> None:
        if shutil.which('dciodvfy') is None:
            return
        told = subprocess.run(['dciodvfy', path], capture_output=True, text=True, check=False)
        lines = (told.stdout + told.stderr).splitlines()
        assert kind in lines, 'dciodvfy knows what it is'
        assert [line for line in lines if line.startswith('Error')] == []

    return check
