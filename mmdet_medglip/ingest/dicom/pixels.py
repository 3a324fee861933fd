"""Pixels of a DICOM image: decoded, brought to MONOCHROME2 or RGB, with their meaning."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array
from pydicom.uid import UID

from ..images import check_pixels
from ..volumes import check_voxels
from .attributes import window_of
from .files import integer, items, named, number, text
from .frames import frame_groups, group_item

__all__ = ['FramePixels', 'check_size', 'decode_frame']

_COLOUR = {'RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_PARTIAL_420', 'YBR_ICT', 'YBR_RCT'}
_GREY = {'MONOCHROME1', 'MONOCHROME2'}
_PALETTE = 'PALETTE COLOR'


@dataclass(frozen=True, eq=False)
class FramePixels:
    """One decoded frame.

    Args:
        values: Stored numbers (H, W), dark is low; or uint8 (H, W, 3) RGB.
        slope: Physical value per stored unit.
        intercept: Physical value of a stored 0.
        window: VOI window in physical values; None if not told.
        is_scaled: Whether the file tells what the numbers mean.
    """

    values: np.ndarray
    slope: float = 1.0
    intercept: float = 0.0
    window: tuple[float, float] | None = None
    is_scaled: bool = False

    @property
    def is_colour(self) -> bool:
        """Whether it is RGB."""
        return self.values.ndim == 3


def check_size(dataset: Dataset, path: Path) -> None:
    """Check the announced size of an image before it is decoded.

    Raises:
        ValueError: If it has no size, or is larger than any sensible image.
    """
    rows, columns = integer(dataset, 'Rows'), integer(dataset, 'Columns')
    if rows < 1 or columns < 1:
        raise ValueError(f'{path} holds no image: it has {rows} rows and {columns} columns.')
    check_pixels(str(path), rows, columns)
    frames = max(1, integer(dataset, 'NumberOfFrames', 1))
    samples = max(1, integer(dataset, 'SamplesPerPixel', 1))
    check_voxels(path, rows * columns * frames * samples)


def decode_frame(dataset: Dataset, index: int, path: Path) -> FramePixels:
    """Decode one frame.

    MONOCHROME1 is inverted, colour of any kind becomes RGB of 8 bits, a modality LUT is applied.

    Args:
        dataset: Data set with pixels, its size checked.
        index: Number of the frame, from 0.
        path: Its file, for messages.

    Raises:
        ValueError: If the pixels are missing, damaged, of an unknown kind, or no decoder for
            them is installed.
    """
    kind = (text(dataset, 'PhotometricInterpretation') or '').upper()
    if kind not in _COLOUR | _GREY | {_PALETTE}:
        raise ValueError(
            f'{path} has the unknown photometric interpretation; expected grey or RGB.'
        )
    values = _decode(dataset, index, path)
    if kind == _PALETTE:
        return FramePixels(_bytes(_palette(values, dataset, path)))
    if values.ndim == 3:
        return FramePixels(_bytes(values, integer(dataset, 'BitsStored', 8)))
    with named(path):
        return _grey(dataset, index, _used_bits(values, dataset), kind == 'MONOCHROME1')


def _decode(dataset: Dataset, index: int, path: Path) -> np.ndarray:
    keywords = ('PixelData', 'FloatPixelData', 'DoubleFloatPixelData')
    if not any(keyword in dataset for keyword in keywords):
        raise ValueError(f'{path} holds no pixels.')
    try:
        values = pixel_array(dataset, index=index)
    except MemoryError:
        raise
    except Exception as error:
        syntax = UID(text(dataset.file_meta, 'TransferSyntaxUID') or '')
        name = syntax.name if syntax.is_transfer_syntax else 'an unknown transfer syntax'
        raise ValueError(
            f'{path}: pixels in {name} cannot be decoded ({type(error).__name__}); the file is '
            'damaged, or a decoder is missing: install python-gdcm or pylibjpeg.'
        ) from error
    size = (integer(dataset, 'Rows'), integer(dataset, 'Columns'))
    if values.ndim not in (2, 3) or values.shape[:2] != size or values.shape[2:] not in ((), (3,)):
        raise ValueError(f'{path}: pixels of shape {values.shape} do not fit the header {size}.')
    return values


def _palette(values: np.ndarray, dataset: Dataset, path: Path) -> np.ndarray:
    try:
        return apply_color_lut(values, dataset)[..., :3]
    except Exception as error:
        raise ValueError(f'{path} has a damaged palette ({type(error).__name__}).') from None


def _bytes(values: np.ndarray, bits: int | None = None) -> np.ndarray:
    """Bring colours to 8 bits."""
    depth = 8 * values.dtype.itemsize if bits is None else bits
    return (values >> max(0, depth - 8)).astype(np.uint8)


def _used_bits(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Clear bits above those that are used; old files keep overlays there."""
    bits = integer(dataset, 'BitsStored', 8 * values.dtype.itemsize)
    if values.dtype.kind not in 'iu' or not 0 < bits < 8 * values.dtype.itemsize:
        return values
    if values.dtype.kind == 'u':
        return values & values.dtype.type((1 << bits) - 1)
    shift = 8 * values.dtype.itemsize - bits
    return (values << shift) >> shift


def _grey(dataset: Dataset, index: int, values: np.ndarray, inverted: bool) -> FramePixels:
    transformation, voi = _groups(dataset, index)
    slope, intercept = (
        number(transformation, 'RescaleSlope'),
        number(transformation, 'RescaleIntercept'),
    )
    if items(dataset, 'ModalityLUTSequence'):
        values = _apply_table(values, dataset)
        slope, intercept = 1.0, 0.0
    is_scaled = slope is not None and intercept is not None
    slope = slope or 1.0
    intercept = intercept or 0.0
    window = window_of(voi)
    if inverted:
        mirror = _mirror(values, integer(dataset, 'BitsStored', 8 * values.dtype.itemsize))
        values = (mirror - values).astype(values.dtype)
        if window is not None:
            window = (slope * mirror + 2 * intercept - window[0], window[1])
    return FramePixels(values, slope, intercept, window, is_scaled)


def _apply_table(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    try:
        return apply_modality_lut(values, dataset)
    except Exception as error:
        raise ValueError(f'has a damaged modality table ({type(error).__name__}).') from None


def _mirror(values: np.ndarray, bits: int) -> int | float:
    """Return the sum of the lowest and the highest number that can be stored."""
    if values.dtype.kind == 'f':
        return float(values.min()) + float(values.max())
    return (1 << bits) - 1 if values.dtype.kind == 'u' else -1


def _groups(dataset: Dataset, index: int) -> tuple[Dataset, Dataset]:
    """Return where the rescale values and the window of a frame are."""
    if not items(dataset, 'PerFrameFunctionalGroupsSequence'):
        return dataset, dataset
    shared, own = next(
        (pair for number, pair in enumerate(frame_groups(dataset)) if number == index),
        (Dataset(), Dataset()),
    )
    transformation = group_item(shared, own, 'PixelValueTransformationSequence')
    return (
        transformation if transformation is not None else dataset,
        group_item(shared, own, 'FrameVOILUTSequence') or dataset,
    )
