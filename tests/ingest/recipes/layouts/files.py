"""Files of tiny data sets: images, masks, volumes, DICOM."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from .case import Box

__all__ = [
    'SIZE',
    'SLICES',
    'block',
    'cells',
    'dicom',
    'image',
    'mask',
    'noise',
    'text',
    'volume',
    'volume_box',
]

SIZE = (32, 48)
"""Height and width of the tiny images."""

SHAPE = (8, 10, 6)
"""Voxels of the tiny volumes to the right, to the front and up."""

SLICES = SHAPE[2]


def noise(seed: str, shape: Sequence[int], high: int = 256) -> np.ndarray:
    """Return noise that depends on the seed only, so that no two images look alike."""
    return np.random.default_rng(zlib.crc32(seed.encode())).integers(0, high, shape)


def text(path: Path, content: str) -> None:
    """Write a text file, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding='utf-8')


def image(path: Path, size: tuple[int, int] = SIZE, colour: bool = True, bits: int = 8) -> None:
    """Write an image of noise."""
    shape = (*size, 3) if colour else size
    kind = np.uint8 if bits == 8 else np.uint16
    _save(path, noise(str(path.name), shape, 2**bits).astype(kind))


def mask(
    path: Path,
    boxes: Iterable[Box] | Mapping[int, Box],
    size: tuple[int, int] = SIZE,
    value: int = 255,
    background: int = 0,
) -> None:
    """Write a grey mask with filled boxes, all of one value, or each of its own by value."""
    pixels = np.full(size, background, np.uint8)
    items = boxes.items() if isinstance(boxes, Mapping) else ((value, box) for box in boxes)
    for level, (x1, y1, x2, y2) in items:
        pixels[int(y1) : int(y2), int(x1) : int(x2)] = level
    _save(path, pixels)


def block(number: int) -> tuple[slice, slice, slice]:
    """Return the voxels of structure ``number`` (from 1): 2 x 2, in all slices.

    Twenty structures lie beside each other, four to the right and five to the front.
    """
    place = (number - 1) % 20
    x, y = 2 * (place % 4), 2 * (place // 4)
    return slice(x, x + 2), slice(y, y + 2), slice(None)


def volume_box(number: int) -> Box:
    """Return the box of structure ``number`` on a slice.

    The patient's right is left of the image and the front on top. So number 1, furthest to the
    left and to the back, is in the lower right corner of the 8 x 10 image.
    """
    x, y, _ = block(number)
    return (SHAPE[0] - x.stop, SHAPE[1] - y.stop, SHAPE[0] - x.start, SHAPE[1] - y.start)


def cells(values: Mapping[int, int] | Iterable[int]) -> np.ndarray:
    """Draw a label volume.

    Args:
        values: Values, each at the block of the same number; or block number by value.
    """
    numbers = values if isinstance(values, Mapping) else {value: value for value in values}
    labels = np.zeros(SHAPE, np.uint8)
    for value, number in numbers.items():
        labels[block(number)] = value
    return labels


def volume(path: Path, values: np.ndarray | None = None, channels: int = 0) -> None:
    """Write a volume: the given values, or noise; NIfTI or by SimpleITK, as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (*SHAPE, channels) if channels else SHAPE
    array = noise(path.name, shape, 400).astype(np.int16) if values is None else values
    if path.name.endswith(('.nii', '.nii.gz')):
        nibabel.save(nibabel.Nifti1Image(array, np.diag([0.5, 0.75, 2.0, 1.0])), path)
    else:
        # SimpleITK counts to the left and to the back, NIfTI to the right and to the front.
        picture = SimpleITK.GetImageFromArray(np.ascontiguousarray(array[::-1, ::-1].T))
        picture.SetSpacing((0.5, 0.75, 2.0))
        SimpleITK.WriteImage(picture, str(path))


def dicom(
    path: Path,
    pixels: np.ndarray,
    *,
    modality: str = 'DX',
    patient: str = 'anonymous',
    series: str | None = None,
    position: float | None = None,
    **tags: object,
) -> FileDataset:
    """Write a DICOM file of uint16 (H, W) pixels; a slice at ``position`` mm if it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = {
        'CT': pydicom.uid.CTImageStorage,
        'MR': pydicom.uid.MRImageStorage,
    }.get(modality, pydicom.uid.DigitalXRayImageStorageForPresentation)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b'\0' * 128)
    data.SOPClassUID, data.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    data.PatientID, data.PatientName, data.Modality = patient, patient, modality
    data.StudyInstanceUID = generate_uid(entropy_srcs=[patient])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[series or str(path)])
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, 'MONOCHROME2'
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    if position is not None:
        data.ImagePositionPatient = [0.0, 0.0, position]
        data.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        data.PixelSpacing, data.SliceThickness = [0.75, 0.5], 2.0
    if modality == 'CT':
        data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, -1024, 'HU'
    for name, value in tags.items():
        setattr(data, name, value)
    data.PixelData = pixels.astype('<u2').tobytes()
    data.save_as(path, enforce_file_format=True)
    return data


def _save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
