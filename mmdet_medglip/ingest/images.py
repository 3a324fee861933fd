"""Image files at the border: sizes bounded before pixels are read, odd kinds decoded."""

import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

__all__ = [
    'MAX_PIXELS',
    'check_pixels',
    'image_pixels',
    'image_size',
    'open_image',
    'read_image',
    'stored_suffix',
    'write_png',
]

MAX_PIXELS = 100_000_000
_FORMATS = (
    'BMP', 'DIB', 'GIF', 'JPEG', 'JPEG2000', 'PCX', 'PNG', 'PPM', 'SGI', 'TGA', 'TIFF', 'WEBP',
)  # fmt: skip
"""Kinds that are decoded. Others, such as PostScript, Pillow hands to programs that run them."""

_EXIF_ORIENTATION = 0x0112
_PAGED = ('TIFF', 'GIF', 'WEBP', 'PNG')
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


def open_image(path: Path, max_pixels: int = MAX_PIXELS, *, pixels: bool = True) -> Image.Image:
    """Open an image whose size is known to be sensible.

    Args:
        path: Image file.
        max_pixels: Largest number of pixels accepted.
        pixels: Whether to decode the pixels too, and thereby make sure that the file is whole.

    Returns:
        The image; close it. ``info['deep']`` is set for colours of 16 bits a channel, of which
        Pillow keeps the upper 8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, is too large, has several pages, is stored turned (EXIF
            orientation), or is broken.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Image {path} does not exist.')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            image = Image.open(path, formats=_FORMATS)
    except Exception as error:  # a decoder may raise anything on a broken file
        raise ValueError(f'{path} cannot be read as an image ({error}); replace it.') from error
    try:
        check_pixels(str(path), image.height, image.width, max_pixels)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            _check_pages(path, image)
            image.info['deep'] = _is_deep(image)
            if pixels:
                _load(path, image)
            _check_upright(path, image)
    except Exception:
        image.close()
        raise
    return image


def image_size(path: Path, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Read the size of an image from its header.

    Args:
        path: Image file.
        max_pixels: Largest number of pixels accepted.

    Returns:
        ``(height, width)`` in pixels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, is too large, has several pages, or is stored turned
            (EXIF orientation).
    """
    with open_image(path, max_pixels, pixels=False) as image:
        return image.height, image.width


def stored_suffix(path: Path, *, decode: bool = True) -> str | None:
    """Say whether a file can be stored as it is, and decode it to be sure that it is whole.

    Args:
        path: Image file.
        decode: False if that was done already.

    Returns:
        ``.png`` or ``.jpg`` for 8-bit grey or colour (PNG also 16-bit grey); None for kinds that
        must be rewritten, such as palettes, transparency, GIF, BMP or TIFF.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be decoded.
    """
    with open_image(path, pixels=decode) as image:
        kind = _COPIED.get((image.format or '', image.mode))
        return None if image.info.get('deep') or _has_transparency(image) else kind


def read_image(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an image file.

    Transparent pixels are shown on black. Colours of 16 bits a channel keep their upper 8.

    Args:
        path: Image file.
        max_pixels: Largest number of pixels accepted.

    Returns:
        uint8 (H, W) or (H, W, 3) RGB, or uint16 (H, W).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, too large, or broken, or if its values do not fit 16
            bits.
    """
    with open_image(path, max_pixels) as image:
        return image_pixels(image, str(path))


def image_pixels(image: Image.Image, where: str) -> np.ndarray:
    """Return the pixels of a Pillow image, whatever its mode; see :func:`read_image`.

    Args:
        image: The image, its size checked.
        where: What it is called in messages.

    Raises:
        ValueError: If its values do not fit 16 bits.
    """
    if image.mode == 'F':
        raise ValueError(f'{where} holds floating-point values; rescale them to 16 bits.')
    if image.mode.startswith('I;16') or image.mode == 'I':
        values = np.asarray(image)
        if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise ValueError(f'{where}: values must fit 16 bits without sign; rescale them.')
        return values.astype(np.uint16)
    is_grey = image.mode in ('L', '1', 'LA', 'La')
    if _has_transparency(image):
        seen = image.convert('RGBA')
        black = Image.new('RGBA', seen.size, (0, 0, 0, 255))
        return np.asarray(Image.alpha_composite(black, seen).convert('L' if is_grey else 'RGB'))
    return np.asarray(image.convert('L' if is_grey else 'RGB'))


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


def _check_pages(path: Path, image: Image.Image) -> None:
    if image.format not in _PAGED:
        return
    try:
        pages = getattr(image, 'n_frames', 1)
    except Exception as error:
        raise ValueError(f'{path} is damaged ({error}); replace it.') from error
    if pages > 1:
        raise ValueError(
            f'{path} holds {pages} pages, expected one image; save each page as a file of its own.'
        )


def _check_upright(path: Path, image: Image.Image) -> None:
    if image.format == 'PNG' and 'exif' not in image.info:
        return
    try:
        turned = image.getexif().get(_EXIF_ORIENTATION, 1) != 1
    except Exception as error:
        raise ValueError(f'{path} has damaged EXIF data ({error}); rewrite it.') from error
    if turned:
        raise ValueError(
            f'{path} is stored turned (EXIF orientation); rewrite it upright, so that boxes and '
            'pixels agree in every program.'
        )


def _has_transparency(image: Image.Image) -> bool:
    """Tell whether some pixel lets the background through; an opaque alpha channel does not."""
    if 'A' in image.getbands():
        return int(np.asarray(image.getchannel('A')).min()) < 255
    return 'transparency' in image.info


def _is_deep(image: Image.Image) -> bool:
    """Tell whether colours of 16 bits a channel are about to be cut to 8; asked before loading."""
    raw = [str(tile[3]) for tile in getattr(image, 'tile', [])]
    return image.mode not in ('I;16', 'I;16B', 'I', 'F') and any('16' in mode for mode in raw)


def _load(path: Path, image: Image.Image) -> None:
    try:
        image.load()
    except Exception as error:
        raise ValueError(f'{path} is damaged ({error}); replace it.') from error
