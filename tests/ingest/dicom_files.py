"""Small DICOM files for tests, written with pydicom."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.dataset import FileDataset
from pydicom.uid import ExplicitVRLittleEndian

CT = '1.2.840.10008.5.1.4.1.1.2'
X_RAY = '1.2.840.10008.5.1.4.1.1.1.1'
ULTRASOUND = '1.2.840.10008.5.1.4.1.1.3.1'
SEG = '1.2.840.10008.5.1.4.1.1.66.4'
STRUCTURE_SET = '1.2.840.10008.5.1.4.1.1.481.3'

SERIES = '2.25.100'
SPACE = '2.25.200'
AXIAL = [1, 0, 0, 0, 1, 0]


def slice_uid(index: int) -> str:
    """SOP instance UID of a slice of ``write_slice``."""
    return f'2.25.300.{index + 1}'


def new_dataset(uid: str, sop_class: str, modality: str) -> Dataset:
    """Make a data set with identifiers and nothing else."""
    dataset = Dataset()
    dataset.SOPInstanceUID = uid
    dataset.SOPClassUID = sop_class
    dataset.Modality = modality
    dataset.PatientID = 'P1'
    dataset.PatientName = 'Doe^John'
    dataset.StudyInstanceUID = '2.25.10'
    dataset.SeriesInstanceUID = SERIES
    return dataset


def set_pixels(dataset: Dataset, pixels: np.ndarray, bits: int | None = None) -> Dataset:
    """Put native pixels (H, W), (H, W, 3) or (frames, H, W) into a data set."""
    colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
    shape = pixels.shape[:-1] if colour else pixels.shape
    if len(shape) == 3:
        dataset.NumberOfFrames = shape[0]
    dataset.Rows, dataset.Columns = shape[-2:]
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.setdefault('PhotometricInterpretation', 'RGB' if colour else 'MONOCHROME2')
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == 'i')
    data = np.ascontiguousarray(pixels).tobytes()
    dataset.PixelData = data + b'\0' * (len(data) % 2)
    dataset['PixelData'].VR = 'OW' if pixels.itemsize > 1 else 'OB'
    return dataset


def save(path: Path, dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write a data set with its preamble."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    path.parent.mkdir(parents=True, exist_ok=True)
    file = FileDataset(str(path), dataset, file_meta=meta, preamble=b'\0' * 128)
    file.save_as(path, enforce_file_format=True)
    return path


def ct_slice(index: int, pixels: np.ndarray | None = None, **changes: Any) -> Dataset:
    """Make a CT slice of 6 x 8 pixels of 3 x 2 mm; slices are 5 mm apart, from the feet up."""
    dataset = new_dataset(slice_uid(index), CT, 'CT')
    dataset.FrameOfReferenceUID = SPACE
    dataset.ImagePositionPatient = [10.0, 20.0, 5.0 * index]
    dataset.ImageOrientationPatient = AXIAL
    dataset.PixelSpacing = [3.0, 2.0]
    dataset.SliceThickness = 5.0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    given = pixels if pixels is not None else np.full((6, 8), 24 + index, np.int16)
    set_pixels(dataset, given)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def write_series(folder: Path, count: int = 4, **changes: Any) -> Path:
    """Write a CT series, its files in the reverse order of their positions."""
    for index in range(count):
        save(folder / f'{count - index:02d}.dcm', ct_slice(index, **changes))
    return folder


def item(**values: Any) -> Dataset:
    """Make an item of a sequence."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def write_seg(
    path: Path,
    frames: list[tuple[int, int, np.ndarray]],
    names: dict[int, str],
    *,
    references: bool = True,
    planes: bool = True,
    position: tuple[float, float] = (10.0, 20.0),
    **changes: Any,
) -> Path:
    """Write a segmentation of ``ct_slice`` images, of 8 bits per pixel.

    Args:
        path: File to write.
        frames: Segment (ignored for label maps), slice and pixels of each frame.
        names: Label of each segment.
        references: Whether frames name the slices they were drawn on.
        planes: Whether frames say where they lie.
        position: First two coordinates of the first pixel.
        **changes: Attributes to set; None deletes one.
    """
    dataset = new_dataset('2.25.400', SEG, 'SEG')
    dataset.SeriesInstanceUID = '2.25.101'
    dataset.FrameOfReferenceUID = SPACE
    dataset.ReferencedSeriesSequence = [item(SeriesInstanceUID=SERIES)]
    dataset.SegmentationType = 'FRACTIONAL'
    dataset.MaximumFractionalValue = 200
    dataset.SegmentSequence = [
        item(
            SegmentNumber=number,
            SegmentLabel=name,
            SegmentedPropertyTypeCodeSequence=[
                item(
                    CodeMeaning='Kidney',
                    SegmentedPropertyTypeModifierCodeSequence=[item(CodeMeaning='Left')],
                )
            ],
        )
        for number, name in names.items()
    ]
    dataset.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)],
            PixelMeasuresSequence=[item(PixelSpacing=[3.0, 2.0], SliceThickness=5.0)],
        )
    ]
    groups = []
    for segment, index, _ in frames:
        group = item(
            SegmentIdentificationSequence=[item(ReferencedSegmentNumber=segment)],
        )
        if planes:
            place = [*position, 5.0 * index]
            group.PlanePositionSequence = [item(ImagePositionPatient=place)]
        if references:
            source = item(ReferencedSOPInstanceUID=slice_uid(index))
            group.DerivationImageSequence = [item(SourceImageSequence=[source])]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    set_pixels(dataset, np.stack([pixels for *_, pixels in frames]).astype(np.uint8))
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return save(path, dataset)


def write_rtstruct(
    path: Path, contours: list[tuple[int, str, list[list[float]]]], names: dict[int, str]
) -> Path:
    """Write a structure set of ``ct_slice`` images.

    Args:
        path: File to write.
        contours: Structure, geometric type and points in mm of each contour.
        names: Name of each structure.
    """
    dataset = new_dataset('2.25.500', STRUCTURE_SET, 'RTSTRUCT')
    dataset.SeriesInstanceUID = '2.25.102'
    series = item(RTReferencedSeriesSequence=[item(SeriesInstanceUID=SERIES)])
    dataset.ReferencedFrameOfReferenceSequence = [
        item(FrameOfReferenceUID=SPACE, RTReferencedStudySequence=[series])
    ]
    dataset.StructureSetROISequence = [
        item(ROINumber=number, ROIName=name) for number, name in names.items()
    ]
    dataset.ROIContourSequence = [
        item(
            ReferencedROINumber=number,
            ContourSequence=[
                item(
                    ContourGeometricType=kind,
                    NumberOfContourPoints=len(points),
                    ContourData=[value for point in points for value in point],
                )
                for structure, kind, points in contours
                if structure == number
            ],
        )
        for number in dict.fromkeys(structure for structure, *_ in contours)
    ]
    return save(path, dataset)
