"""DICOM: damaged images, slices, segmentations and contours, and headers that cannot be right."""

import io
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from tests.ingest import dicom_files as dicom

from .corruption import damage_bytes
from .ledger import Fault, Files, Suite, noise, recipe_of

__all__ = ['SUITES']

_MAGIC = 128
_SERIES = '2.25.77{number:04d}'
_SPACE = '2.25.78{number:04d}'


def encode(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Encode a data set as a file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    target = io.BytesIO()
    file = FileDataset('', dataset, file_meta=meta, preamble=bytes(128))
    file.save_as(target, enforce_file_format=True)
    return target.getvalue()


def x_ray(
    number: int, stem: str = '', syntax: str = ExplicitVRLittleEndian, **changes: Any
) -> bytes:
    """Encode an X-ray image; attributes None are left out."""
    dataset = dicom.new_dataset(f'2.25.79{number:04d}', dicom.X_RAY, 'DX')
    dataset.SeriesInstanceUID = _SERIES.format(number=number)
    dataset.PatientID = stem or f'P{number}'
    dicom.set_pixels(dataset, noise((24, 32), number).astype(np.uint16) * 16, 12)
    return encode(_changed(dataset, changes), syntax)


def _changed(dataset: Dataset, changes: dict[str, Any]) -> Dataset:
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        elif isinstance(value, bytes) and keyword != 'PixelData':
            put_raw(dataset, keyword, value)
        else:
            setattr(dataset, keyword, value)
    return dataset


def put_raw(dataset: Dataset, keyword: str, value: bytes) -> None:
    """Set the bytes of an attribute, which pydicom would not write as a value."""
    tag = Tag(keyword)
    even = value + b' ' * (len(value) % 2)
    raw = RawDataElement(tag, dictionary_VR(tag), len(even), even, 0, False, True)
    dataset[tag] = raw


def nested(number: int, depth: int) -> bytes:
    """Encode an X-ray image that begins with a sequence in a sequence, and so on."""
    data = x_ray(number % 10_000)
    start = _MAGIC + 4 + 12 + int.from_bytes(data[_MAGIC + 12 : _MAGIC + 16], 'little')
    opening = b'\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff' + b'\xfe\xff\x00\xe0\xff\xff\xff\xff'
    closing = b'\xfe\xff\x0d\xe0\0\0\0\0' + b'\xfe\xff\xdd\xe0\0\0\0\0'
    return data[:start] + opening * depth + closing * depth + data[start:]


_X_RAY = recipe_of('x_ray', 'DicomReader', 'xray', files='{stem}.dcm')


def _x_ray_good(stem: str, number: int) -> Files:
    return {f'{stem}.dcm': x_ray(number, stem)}


def _damaged_x_ray() -> Suite:
    faults = [
        Fault(d.name, {'{stem}.dcm': d.data}, outcome='rejected' if d.fatal else 'any')
        for d in damage_bytes(x_ray(5000), 'x_ray', magic=_MAGIC, header=700, flips=30)
    ]
    return Suite('x_ray', _X_RAY, _x_ray_good, faults, regions=0)


def _bomb() -> bytes:
    """Make a deflated data set that unpacks to 2.2 GB."""
    data = x_ray(5900, syntax=DeflatedExplicitVRLittleEndian)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = 220 * block + packer.flush()
    header = len(data) - len(_deflated_part(data))
    return data[:header] + packed


def _deflated_part(data: bytes) -> bytes:
    for start in range(132, len(data)):
        try:
            zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])
        except zlib.error:
            continue
        if data[start - 1] in (0, 0x39):
            return data[start:]
    return b''


def _odd_x_ray() -> Suite:
    pixels = noise((24, 32), 5001).astype(np.uint16).tobytes()
    junk = encapsulate([b'\xff\xd8\xff\xe0' + bytes(100)])
    changes: dict[str, dict[str, Any]] = {
        '65535 rows and columns': {'Rows': 65535, 'Columns': 65535},
        'more rows than it has': {'Rows': 2400},
        'no rows': {'Rows': 0},
        'rows are missing': {'Rows': None},
        '1e9 frames': {'NumberOfFrames': 10**9},
        'frames are negative': {'NumberOfFrames': -3},
        '9 frames that are not there': {'NumberOfFrames': 9},
        '65535 samples': {'SamplesPerPixel': 65535},
        '2 samples': {'SamplesPerPixel': 2},
        '0 bits': {'BitsAllocated': 0},
        '3 bits': {'BitsAllocated': 3},
        '64 bits': {'BitsAllocated': 64, 'BitsStored': 64},
        'bits are missing': {'BitsAllocated': None},
        'no pixels': {'PixelData': None},
        'a few pixels': {'PixelData': b'\0' * 10},
        'unknown kind of pixels': {'PhotometricInterpretation': 'BANANA'},
        'kind of pixels is missing': {'PhotometricInterpretation': None},
        'palette that is not there': {'PhotometricInterpretation': 'PALETTE COLOR'},
        'slope is too large': {'RescaleSlope': b'1e308', 'RescaleIntercept': b'1e308'},
        'unknown modality': {'Modality': 'ECG'},
        'a modality of spaces': {'Modality': b'X' * 16},
        'constant': {'PixelData': b'\x07\0' * 768},
    }
    faults = [
        Fault(name, {'{stem}.dcm': x_ray(5100 + index, **change)})
        for index, (name, change) in enumerate(changes.items())
    ]
    for index, syntax in enumerate(
        (JPEGBaseline8Bit, JPEG2000Lossless, JPEGLSLossless, RLELossless)
    ):
        data = x_ray(5300 + index, syntax=syntax, PixelData=junk)
        faults.append(Fault(f'junk in {syntax.name}', {'{stem}.dcm': data}))
    unknown = x_ray(5400, syntax='1.2.3.4.5')
    faults.append(Fault('unknown transfer syntax', {'{stem}.dcm': unknown}))
    no_item = x_ray(5401, syntax=JPEGBaseline8Bit, PixelData=encapsulate([b'\xff\xd8'])[:9] + b'\0')
    faults.append(Fault('no item in the pixels', {'{stem}.dcm': no_item}))
    faults += [
        Fault(f'sequences {depth} deep', {'{stem}.dcm': nested(5402 + depth, depth)}, outcome='any')
        for depth in (50, 5000)
    ]
    sound: dict[str, dict[str, Any]] = {
        'slope is no number': {'RescaleSlope': b'x', 'RescaleIntercept': b'y'},
        'spacing is zero': {'PixelSpacing': [0, 0]},
        'spacing is not a number': {'PixelSpacing': b'nan\\nan'},
        'spacing of one number': {'PixelSpacing': b'1'},
        'width of window is negative': {'WindowCenter': 1, 'WindowWidth': -5},
        'window is not a number': {'WindowCenter': b'nan', 'WindowWidth': b'inf'},
        'patient in Arabic': {'PatientID': 'مريض'.encode(), 'SpecificCharacterSet': 'ISO_IR 192'},
        'patient of 5000 letters': {'PatientID': b'x' * 5000},
        'unknown character set': {'SpecificCharacterSet': b'BANANA'},
        'body part is free text': {'BodyPartExamined': "Robert'); DROP TABLE--"},
        'pixels of another kind': {'PixelRepresentation': 1, 'PixelData': pixels},
    }
    faults += [
        Fault(name, {'{stem}.dcm': x_ray(5500 + index, **change)}, outcome='taken')
        for index, (name, change) in enumerate(sound.items())
    ]
    faults.append(Fault('deflated 2 GB', {'{stem}.dcm': _bomb()}))
    return Suite(
        'odd_x_ray',
        _X_RAY | {'name': 'odd_x_ray', 'root': 'odd_x_ray'},
        _x_ray_good,
        faults,
        regions=0,
    )


def ct_slice(number: int, index: int, stem: str = '', **changes: Any) -> Dataset:
    """Make a slice of 12 x 10 pixels of a series of its own."""
    dataset = dicom.ct_slice(index, noise((12, 10), 100 * number + index).astype(np.int16))
    dataset.SOPInstanceUID = f'2.25.76{number:04d}{index}'
    dataset.SeriesInstanceUID = _SERIES.format(number=number)
    dataset.FrameOfReferenceUID = _SPACE.format(number=number)
    dataset.PatientID = stem or f'P{number}'
    dataset.PixelSpacing = [1.0, 1.0]
    return _changed(dataset, changes)


def series(stem: str, number: int) -> Files:
    """Return four slices."""
    return {f'{stem}/{index:02d}.dcm': encode(ct_slice(number, index, stem)) for index in range(4)}


_CT = recipe_of('ct_series', 'DicomReader', 'ct', empty_share=1.0)


def _series() -> Suite:
    """Series of which one slice is damaged: nothing of them may be taken as if it were whole."""
    target = '{stem}/02.dcm'
    data = encode(ct_slice(5000, 2))
    faults = [
        Fault(d.name, {target: d.data}, outcome='noted' if d.fatal else 'any')
        for d in damage_bytes(data, 'series', magic=_MAGIC, header=900)
    ]
    changes: dict[str, dict[str, Any]] = {
        'another size': {'Rows': 10, 'Columns': 12},
        'another place': {'ImagePositionPatient': [0, 0, 900]},
        'no place': {'ImagePositionPatient': None},
        'place is not a number': {'ImagePositionPatient': b'nan\\0\\10'},
        'no direction': {'ImageOrientationPatient': [0, 0, 0, 0, 0, 0]},
        'direction of five numbers': {'ImageOrientationPatient': b'1\\0\\0\\0\\1'},
        'no pixels': {'PixelData': None},
        '65535 rows': {'Rows': 65535, 'Columns': 65535},
    }
    faults += [
        Fault(name, {target: encode(ct_slice(5000 + index, 2, **change))}, outcome='noted')
        for index, (name, change) in enumerate(changes.items())
    ]
    return Suite('ct_series', _CT, series, faults, regions=0)


def seg(number: int, **changes: Any) -> Dataset:
    """Make a segmentation of one structure on two slices of a series."""
    dataset = dicom.new_dataset(f'2.25.75{number:04d}', dicom.SEG, 'SEG')
    mask = np.zeros((2, 12, 10), np.uint8)
    mask[:, 2:8, 3:7] = 200
    dataset.PatientID, dataset.SeriesInstanceUID = f'P{number}', f'2.25.74{number:04d}'
    dataset.FrameOfReferenceUID = _SPACE.format(number=number)
    dataset.ReferencedSeriesSequence = [dicom.item(SeriesInstanceUID=_SERIES.format(number=number))]
    dataset.SegmentationType, dataset.MaximumFractionalValue = 'FRACTIONAL', 200
    dataset.SegmentSequence = [dicom.item(SegmentNumber=1, SegmentLabel='liver')]
    dataset.SharedFunctionalGroupsSequence = [
        dicom.item(
            PlaneOrientationSequence=[dicom.item(ImageOrientationPatient=dicom.AXIAL)],
            PixelMeasuresSequence=[dicom.item(PixelSpacing=[1.0, 1.0], SliceThickness=5.0)],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        dicom.item(
            SegmentIdentificationSequence=[dicom.item(ReferencedSegmentNumber=1)],
            PlanePositionSequence=[dicom.item(ImagePositionPatient=[10.0, 20.0, 5.0 * index])],
        )
        for index in (1, 2)
    ]
    dicom.set_pixels(dataset, mask)
    return _changed(dataset, changes)


def structures(
    number: int, contours: list[dict[str, Any]] | None = None, **changes: Any
) -> Dataset:
    """Make a structure set of one square on two slices of a series."""
    dataset = dicom.new_dataset(f'2.25.73{number:04d}', dicom.STRUCTURE_SET, 'RTSTRUCT')
    dataset.PatientID, dataset.SeriesInstanceUID = f'P{number}', f'2.25.72{number:04d}'
    listed = dicom.item(SeriesInstanceUID=_SERIES.format(number=number))
    study = dicom.item(RTReferencedSeriesSequence=[listed])
    dataset.ReferencedFrameOfReferenceSequence = [
        dicom.item(
            FrameOfReferenceUID=_SPACE.format(number=number), RTReferencedStudySequence=[study]
        )
    ]
    dataset.StructureSetROISequence = [dicom.item(ROINumber=1, ROIName='liver')]
    given = [square(5.0), square(10.0)] if contours is None else contours
    items = [_changed(Dataset(), contour) for contour in given]
    dataset.ROIContourSequence = [dicom.item(ReferencedROINumber=1, ContourSequence=items)]
    return _changed(dataset, changes)


def square(z: float, kind: str = 'CLOSED_PLANAR') -> dict[str, Any]:
    """Return a contour of 4 x 5 mm."""
    points = [12.5, 22.5, z, 16.5, 22.5, z, 16.5, 27.5, z, 12.5, 27.5, z]
    return {'ContourGeometricType': kind, 'NumberOfContourPoints': 4, 'ContourData': points}


def _marked(name: str, kind: str, make: Callable[..., Dataset], odd: dict[str, Any]) -> Suite:
    """Make a suite of damaged annotation files, each beside a sound series."""

    def good(stem: str, number: int) -> Files:
        return dict(series(stem, number)) | {f'{stem}/marks.dcm': encode(make(number))}

    target = '{stem}/marks.dcm'
    faults: list[Fault] = []
    for index in range(len(damage_bytes(b'abc', name))):
        damage = damage_bytes(encode(make(index + 3)), name, magic=_MAGIC, header=900)[index]
        faults.append(Fault(damage.name, {target: damage.data}, outcome='any'))
    for told, change in odd.items():
        data = encode(make(len(faults) + 3, **change))
        faults.append(Fault(told, {target: data}, outcome='noted'))
    recipe = recipe_of(name, 'DicomReader', 'ct', annotations=kind, empty_share=1.0)
    return Suite(name, recipe, good, faults, regions=2)


def _contour(value: bytes) -> dict[str, Any]:
    return square(5.0) | {'ContourData': b'\\'.join([value] * 12)}


def _across() -> dict[str, Any]:
    return square(5.0) | {'ContourData': [12, 22, 0, 16, 22, 5, 16, 27, 10]}


def _far(value: float) -> list[dict[str, Any]]:
    return [square(5.0) | {'ContourData': [value, 22.5, 5.0, 16.5, value, 5.0, 16.5, 27.5, 5.0]}]


_SEG = {
    '65535 rows and columns': {'Rows': 65535, 'Columns': 65535},
    '1e9 frames': {'NumberOfFrames': 10**9},
    'frames without groups': {'PerFrameFunctionalGroupsSequence': None},
    'no segments': {'SegmentSequence': None},
    'segment without a name': {'SegmentSequence': [dicom.item(SegmentNumber=1)]},
    'another segment': {'SegmentSequence': [dicom.item(SegmentNumber=7, SegmentLabel='liver')]},
    'unknown name': {'SegmentSequence': [dicom.item(SegmentNumber=1, SegmentLabel='banana')]},
    'no pixels': {'PixelData': None},
    'a few pixels': {'PixelData': b'\1\1'},
    'another series': {'ReferencedSeriesSequence': [dicom.item(SeriesInstanceUID='2.25.1')],
                       'FrameOfReferenceUID': '2.25.2'},
    'no positions': {'SharedFunctionalGroupsSequence': [dicom.item()],
                     'PerFrameFunctionalGroupsSequence': [dicom.item(), dicom.item()]},
}  # fmt: skip

_RTSTRUCT = {
    'point is not a number': {'contours': [_contour(b'nan')]},
    'point is infinite': {'contours': [_contour(b'inf')]},
    'point at 1e300': {'contours': _far(1e300)},
    'point is text': {'contours': [_contour(b'x')]},
    'five numbers': {'contours': [square(5.0) | {'ContourData': [1, 2, 3, 4, 5]}]},
    'one point': {'contours': [square(5.0, 'POINT') | {'ContourData': [12, 22, 5]}]},
    'open curve': {'contours': [square(5.0, 'OPEN_PLANAR')]},
    'no kind': {'contours': [square(5.0, '')]},
    'between slices': {'contours': [square(7.4)]},
    'outside the volume': {'contours': [square(900.0)]},
    'across slices': {'contours': [_across()]},
    'structure without a name': {'StructureSetROISequence': [dicom.item(ROINumber=1)]},
    'structure is not listed': {'StructureSetROISequence': None},
    'unknown name': {'StructureSetROISequence': [dicom.item(ROINumber=1, ROIName='banana')]},
    'no contours': {'ROIContourSequence': None},
}  # fmt: skip

SUITES = (
    _damaged_x_ray(),
    _odd_x_ray(),
    _series(),
    _marked('seg', 'seg', seg, _SEG),
    _marked('rtstruct', 'rtstruct', structures, _RTSTRUCT),
)
