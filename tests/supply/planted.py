"""DICOM images full of marks that must not get out, and a search for these marks."""

import gzip
import html
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from tests.ingest import dicom_files as files

MARK = 'ZQXMARK'
"""Begins every word that is planted."""

UID = '1.2.826.0.1.9073571.'
"""Begins every UID that is planted."""

NAME = 'ZQXFILE'
"""Begins the names of folders and files."""

BORN, SEEN = '19470304', '20190817'

_WORDS = {
    'AE',
    'CS',
    'LO',
    'LT',
    'PN',
    'SH',
    'ST',
    'UC',
    'UR',
    'UT',
    'AS',
    'DA',
    'DT',
    'TM',
    'IS',
    'DS',
}
_NEEDED = {
    *('Modality', 'PhotometricInterpretation', 'SpecificCharacterSet', 'NumberOfFrames'),
    *('ImagePositionPatient', 'ImageOrientationPatient', 'PixelSpacing', 'SliceThickness'),
    *('RescaleSlope', 'RescaleIntercept', 'WindowCenter', 'WindowWidth', 'PatientPosition'),
    *('SpacingBetweenSlices', 'PixelAspectRatio', 'ImagerPixelSpacing', 'ImageType'),
    *('NominalScannedPixelSpacing', 'RescaleType', 'LossyImageCompression', 'SegmentationType'),
}
"""What an image cannot be read without; numbers and codes, which name nobody."""


def planted_slice(index: int) -> Dataset:
    """Make a CT slice with a mark of its own in every attribute that holds text."""
    rng = np.random.default_rng(index)
    dataset = files.ct_slice(index, rng.integers(0, 300, (48, 64)).astype(np.int16))
    dataset.SOPInstanceUID = f'{UID}3.{index + 1}'
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f'{UID}1', f'{UID}2'
    dataset.FrameOfReferenceUID = f'{UID}4'
    dataset.SpecificCharacterSet = 'ISO_IR 192'
    dataset.RescaleType = 'HU'
    for number, (vr, _, _, retired, keyword) in DicomDictionary.items():
        tag = Tag(number)
        is_outside = tag.group <= 0x0007 or tag.group in (0x7FE0, 0xFFFE) or retired
        if is_outside or keyword in _NEEDED or not keyword:
            continue
        if vr in _WORDS:
            _plant(dataset, tag, vr, f'{MARK}{number:08X}')
        elif vr == 'UI' and tag not in dataset:
            _plant(dataset, tag, vr, f'{UID}9.{number}')
    _plant(dataset, Tag(0x00100030), 'DA', BORN)
    for keyword in ('StudyDate', 'SeriesDate', 'ContentDate', 'AcquisitionDate'):
        setattr(dataset, keyword, SEEN)
    block = dataset.private_block(0x0019, f'{MARK} MAKER', create=True)
    block.add_new(1, 'LO', f'{MARK}PRIVATE')
    block.add_new(2, 'UN', f'{MARK}BYTES'.encode())
    nested = files.item(PatientName=f'{MARK}NESTED', PatientID=f'{MARK}NESTEDID')
    nested.ReferencedPatientSequence = Sequence([files.item(PatientName=f'{MARK}DEEP')])
    dataset.ReferencedPatientSequence = Sequence([nested])
    dataset.RequestAttributesSequence = Sequence([nested])
    overlay = {0x10: ('US', 48), 0x11: ('US', 64), 0x40: ('CS', 'G'), 0x50: ('SS', [1, 1])}
    for element, (vr, value) in (overlay | {0x100: ('US', 1), 0x102: ('US', 0)}).items():
        dataset.add_new((0x6000, element), vr, value)
    dataset.add_new((0x6000, 0x22), 'LO', f'{MARK}OVERLAY')
    dataset.add_new((0x6000, 0x1500), 'LO', f'{MARK}OVERLAYLABEL')
    text = f'{MARK}OVERLAYBITS'.encode()
    dataset.add_new((0x6000, 0x3000), 'OW', text + bytes(48 * 64 // 8 - len(text)))
    return dataset


def _plant(dataset: Dataset, tag: Tag, vr: str, text: str) -> None:
    value = text.encode() + b' ' * (len(text) % 2)
    dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)


def save_planted(path: Path, index: int) -> Path:
    """Write a slice, with marks in its preamble and the header before the data set too."""
    files.save(path, planted_slice(index))
    saved = dcmread(path)
    saved.preamble = f'{MARK}PREAMBLE'.encode().ljust(128, b'\0')
    saved.file_meta.SourceApplicationEntityTitle = f'{MARK}AET'
    saved.file_meta.PrivateInformationCreatorUID = f'{UID}8'
    saved.file_meta.PrivateInformation = f'{MARK}META'.encode()
    saved.save_as(path)
    return path


def marks_in(path: Path, words: tuple[str, ...]) -> set[str]:
    """Return the words that a file holds, or its name, however they are packed or spelled."""
    found = {word for word in words if word in path.name}
    for content in _layers(path.read_bytes()):
        for word in words:
            if any(form in content for form in _forms(word)):
                found.add(word)
    return found


def text_marks(text: str, words: tuple[str, ...]) -> set[str]:
    """Return the words that a text holds."""
    return {word for word in words if word.lower() in text.lower()}


def _forms(word: str) -> Iterator[bytes]:
    for one in {word, word.lower(), html.escape(word)}:
        yield one.encode()
        yield one.encode('utf-16-le')
        yield one.encode('utf-16-be')


def _layers(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield content, and what it holds unpacked: zip, gzip, zlib, parquet, Arrow, PNG, base64."""
    yield content
    if depth > 3:
        return
    for inner in _unpacked(content):
        yield from _layers(inner, depth + 1)


def _unpacked(content: bytes) -> Iterator[bytes]:
    if content[:2] == b'\x1f\x8b':
        yield gzip.decompress(content)
    elif content[:4] == b'PK\x03\x04':
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield '\n'.join(archive.namelist()).encode()
            for name in archive.namelist():
                yield archive.read(name)
    elif content[:4] == b'PAR1':
        yield repr(pq.read_table(io.BytesIO(content)).to_pydict()).encode()
    elif content[:6] == b'ARROW1':
        with pa.ipc.open_file(pa.BufferReader(content)) as file:
            yield repr(file.read_all().to_pydict()).encode()
    elif content[:8] == b'\x89PNG\r\n\x1a\n':
        with Image.open(io.BytesIO(content)) as image:
            yield repr(image.info).encode()
            yield image.tobytes()
    elif content[128:132] == b'DICM':
        yield str(dcmread(io.BytesIO(content), force=True)).encode('utf-8', 'replace')
    elif b'base64,' in content:
        for part in content.split(b'base64,')[1:]:
            yield _decoded(part)
    elif content[:1] == b'\x78':
        try:
            yield zlib.decompress(content)
        except zlib.error:
            return


def _decoded(part: bytes) -> bytes:
    import base64
    import re

    match = re.match(rb'[A-Za-z0-9+/=]+', part)
    text = match[0] if match else b''
    return base64.b64decode(text + b'=' * (-len(text) % 4), validate=False)
