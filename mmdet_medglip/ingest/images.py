"""Image files at the border: sizes bounded before pixels are read, odd kinds decoded."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

__all__ = ['MAX_PIXELS', 'check_pixels', 'image_size', 'read_image', 'stored_suffix', 'write_png']

MAX_PIXELS = 100_000_000
_EXIF_ORIENTATION = 0x0112
_COPIED = {('PNG', 'L'): '.png', ('PNG', 'RGB'): '.png', ('PNG', 'I;16'): '.png'} | {
    ('JPEG', 'L'): '.jpg',
    ('JPEG', 'RGB'): '.jpg',
}


def check_pixels(where: str, height: int, width: int, max_pixels: int = MAX_PIXELS) -> None:
    """Refuse an image that is larger than any sensible one before it is allocated.

    Raises:
        ValueError: If ``height * width`` is over ``max_pixels``.
    """
    if height * width > max_pixels:
        raise ValueError(
            f'{where}: {width} x {height} px is over the limit of {max_pixels} pixels; '
            'tile or downscale it first.'
        )


def image_size(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Read the size of an image from its header.

    Args:
        path: Image file.
        max_pixels: Largest number of pixels accepted.

    Returns:
        ``(height, width)`` in pixels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, is too large, or is stored turned (EXIF orientation).
    """
    with _open(path, max_pixels) as image:
        return image.height, image.width


def stored_suffix(path: Path) -> str | None:
    """Decode a file to be sure that it is whole, and say whether it can be stored as it is.

    Args:
        path: Image file.

    Returns:
        ``.png`` or ``.jpg`` for 8-bit grey or colour (PNG also 16-bit grey); None for kinds that
        must be rewritten, such as palettes, transparency, GIF, BMP or TIFF.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be decoded.
    """
    with _open(path, MAX_PIXELS) as image:
        _load(path, image)
        return _COPIED.get((image.format or '', image.mode))


def read_image(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an image file.

    Args:
        path: Image file.
        max_pixels: Largest number of pixels accepted.

    Returns:
        uint8 (H, W) or (H, W, 3) RGB, or uint16 (H, W).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, too large, or broken.
    """
    with _open(path, max_pixels) as image:
        _load(path, image)
        if image.mode.startswith('I;16') or image.mode == 'I':
            values = np.asarray(image)
            if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
                raise ValueError(f'{path}: values must fit 16 bits without sign; rescale them.')
            return values.astype(np.uint16)
        if image.mode in ('L', '1', 'LA'):
            return np.asarray(image.convert('L'))
        return np.asarray(image.convert('RGB'))


def write_png(path: Path, image: np.ndarray) -> None:
    """Write pixels without loss.

    Args:
        path: File to write; its folder exists.
        image: uint8 (H, W) or (H, W, 3) RGB, or uint16 (H, W).

    Raises:
        ValueError: If the array is of another kind.
        OSError: If the file cannot be written.
    """
    grey = image.ndim == 2 and image.dtype in (np.uint8, np.uint16)
    colour = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
    if not (grey or colour) or image.size == 0:
        raise ValueError(
            f'Image must be uint8 (H, W) or (H, W, 3), or uint16 (H, W), '
            f'got {image.dtype} {image.shape}.'
        )
    pixels = image[..., ::-1] if colour else image
    done, data = cv2.imencode('.png', np.ascontiguousarray(pixels))
    if not done:
        raise OSError(f'{path}: the image could not be encoded as PNG.')
    path.write_bytes(data.tobytes())


def _open(path: Path, max_pixels: int) -> Image.Image:
    if not path.is_file():
        raise FileNotFoundError(f'Image {path} does not exist.')
    try:
        image = Image.open(path)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ValueError(f'{path} cannot be read as an image ({error}); replace it.') from error
    check_pixels(str(path), image.height, image.width, max_pixels)
    may_be_turned = image.format != 'PNG' or 'exif' in image.info
    if may_be_turned and image.getexif().get(_EXIF_ORIENTATION, 1) != 1:
        image.close()
        raise ValueError(
            f'{path} is stored turned (EXIF orientation); rewrite it upright, so that boxes and '
            'pixels agree in every program.'
        )
    return image


def _load(path: Path, image: Image.Image) -> None:
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f'{path} is damaged ({error}); replace it.') from error
