"""Read one image file and turn its pixels into physical values."""

import io
from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image, UnidentifiedImageError

from mmdet_medglip.datasets.unreadable_image_error import (
    MissingImageError,
    UnreadableImageError,
)
from mmdet_medglip.registry import TRANSFORMS

__all__ = ['LoadMedImage']


@TRANSFORMS.register_module()
class LoadMedImage(BaseTransform):
    """Load an 8- or 16-bit PNG or JPEG, or a DICOM file of one image, as float32 physical values.

    The pixels are read as they are stored (no EXIF rotation, no colour conversion of grey images,
    no 8-bit reduction), because boxes refer to the stored image and the intensity window is a
    later transform. ``value = rescale_slope * stored + rescale_intercept``: Hounsfield units for
    CT, the stored value itself where a record has no rescale. The size is checked in the header,
    before any pixel is decoded. A DICOM file brings rescale, window and spacing itself; of the
    patient nothing is read.

    An image that is in memory already comes as ``pixels``, uint8 or uint16, ``(H, W)`` or
    ``(H, W, 3)`` in BGR; ``img_path`` then only names it.

    Required keys: ``img_path`` or ``pixels``; optional: ``img_id``, ``height``, ``width``,
    ``rescale_slope``, ``rescale_intercept``. Removed: ``pixels``. Added keys: ``img`` (float32,
    ``(H, W)`` for grey and ``(H, W, 3)`` in BGR for colour), ``img_bits`` (8 or 16, of the stored
    file), ``img_shape`` and ``ori_shape`` (``(H, W)``); of a DICOM file also ``rescale_slope``,
    ``rescale_intercept``, ``rescale_type``, ``window`` and ``spacing_mm``.

    Args:
        max_pixels: Largest ``height * width`` that is decoded.
    """

    def __init__(self, max_pixels: int = 64_000_000) -> None:
        if max_pixels <= 0:
            raise ValueError(f'max_pixels must be a positive number, got {max_pixels!r}.')
        self.max_pixels = max_pixels

    def transform(self, results: dict) -> dict:
        """Load the image of ``results['img_path']``.

        Args:
            results: The record, as ``MedGroundingDataset.get_data_info`` gives it.

        Returns:
            The same dict with the added keys.

        Raises:
            FileNotFoundError: If the file does not exist.
            UnreadableImageError: If the file is no readable image, is larger than ``max_pixels``,
                or has another size than the record says.
        """
        pixels = results.pop('pixels', None)
        try:
            if pixels is None:
                pixels = self._load(results)
            else:
                name = f'Image {results.get("img_path")!r} of record {results.get("img_id", "?")!r}'
                _check_kind(pixels, name)
                self._check_size(*pixels.shape[:2], results, name)
        except MissingImageError:
            raise
        except ValueError as error:
            raise UnreadableImageError(str(error)) from error
        results['img_bits'] = 8 * pixels.dtype.itemsize
        results['img'] = _rescale(
            pixels,
            float(results.get('rescale_slope', 1.0)),
            float(results.get('rescale_intercept', 0.0)),
        )
        results['img_shape'] = results['ori_shape'] = pixels.shape[:2]
        return results

    def _load(self, results: dict) -> np.ndarray:
        path = Path(results['img_path'])
        name = f'Image {str(path)!r} of record {results.get("img_id", "?")!r}'
        data = _read_bytes(path, name)
        if data[128:132] == b'DICM':
            return self._load_dicom(path, results, name)
        self._check_header(data, results, name)
        return _decode(data, name)

    def _check_header(self, data: bytes, results: dict, name: str) -> None:
        """Compare the size in the file header with the bound and with the record."""
        try:
            with Image.open(io.BytesIO(data)) as header:
                width, height = header.size
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise ValueError(
                f'{name} is not a readable PNG or JPEG: restore the file or build the store again.'
            ) from error
        self._check_size(height, width, results, name)

    def _check_size(self, height: int, width: int, results: dict, name: str) -> None:
        if height * width > self.max_pixels:
            raise ValueError(
                f'{name} has {height} x {width} pixels, more than max_pixels={self.max_pixels}: '
                'raise max_pixels of LoadMedImage or store a smaller image.'
            )
        expected = (results.get('height', height), results.get('width', width))
        if (height, width) != expected:
            raise ValueError(
                f'{name} is {height} x {width} (height x width) but its record says '
                f'{expected[0]} x {expected[1]}, so its boxes would not fit: build the store again.'
            )

    def _load_dicom(self, path: Path, results: dict, name: str) -> np.ndarray:
        """Read the pixels, uint8 or uint16, and let the file say what they mean."""
        from mmdet_medglip.ingest.dicom.files import integer, open_dicom
        from mmdet_medglip.ingest.dicom_picture import load_dicom_picture

        header = open_dicom(path, pixels=False, tags=('Rows', 'Columns'))
        self._check_size(integer(header, 'Rows'), integer(header, 'Columns'), results, name)
        picture = load_dicom_picture(path)
        fields = ('rescale_slope', 'rescale_intercept', 'rescale_type', 'window', 'spacing_mm')
        results.update({field: getattr(picture, field) for field in fields})
        pixels = np.asarray(picture.image)
        return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(max_pixels={self.max_pixels})'


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingImageError(
            f'{name} does not exist: check data_root, or restore the file.'
        ) from error
    except OSError as error:
        raise ValueError(f'{name} cannot be read ({error}): check the file and its rights.') from (
            error
        )


def _decode(data: bytes, name: str) -> np.ndarray:
    """Decode to uint8 or uint16, ``(H, W)`` or ``(H, W, 3)`` BGR; an alpha channel is dropped."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f'{name} cannot be decoded ({error.err}): restore the file.') from error
    if pixels is None:
        raise ValueError(
            f'{name} cannot be decoded, it is damaged or cut short: restore the file or build the '
            'store again.'
        )
    _check_kind(pixels, name)
    return pixels[..., :3] if pixels.ndim == 3 else pixels


def _check_kind(pixels: np.ndarray, name: str) -> None:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f'{name} holds {pixels.dtype} pixels, expected 8 or 16 bits: store it as PNG with a '
            'rescale slope and intercept.'
        )


def _rescale(pixels: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    values = pixels.astype(np.float32)
    if slope != 1.0:
        values *= slope
    if intercept != 0.0:
        values += intercept
    return values
