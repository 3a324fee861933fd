"""Image files: damaged images and masks of each kind, and images that are traps."""

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import nibabel
import numpy as np
from PIL import Image

from .corruption import damage_bytes
from .ledger import Fault, Suite, noise, recipe_of

__all__ = ['SUITES']

SIZE = (24, 32)
_FORMATS = {
    'png': ({}, 'RGB'),
    'jpg': ({'quality': 95}, 'RGB'),
    'gif': ({}, 'L'),
    'tif': ({'compression': 'tiff_lzw'}, 'RGB'),
    'bmp': ({}, 'RGB'),
}


def encode(pixels: np.ndarray, suffix: str, mode: str | None = None, **options: Any) -> bytes:
    """Encode pixels as an image file."""
    kind = {'jpg': 'JPEG', 'tif': 'TIFF'}.get(suffix, suffix.upper())
    image = Image.fromarray(pixels)
    target = io.BytesIO()
    (image if mode is None else image.convert(mode)).save(target, kind, **options)
    return target.getvalue()


def blob(seed: int = 0, size: tuple[int, int] = SIZE, value: int = 255) -> np.ndarray:
    """Draw a mask with one rectangle."""
    mask = np.zeros(size, dtype=np.uint8)
    top, left = 2 + seed % 7, 3 + seed % 11
    mask[top : top + 9, left : left + 12] = value
    return mask


def picture(number: int, suffix: str = 'png') -> bytes:
    """Encode an image of noise that is like no other."""
    options, mode = _FORMATS[suffix]
    return encode(noise((*SIZE, 3), number), suffix, mode, **options)


def plane(mask: np.ndarray, **changes: Any) -> bytes:
    """Encode a mask as a gzipped NIfTI file of one plane."""
    image = nibabel.Nifti1Image(mask.T[:, :, None], np.eye(4))
    for key, value in changes.items():
        image.header[key] = value
    return _gzip(image.to_bytes())


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def bomb(width: int, height: int, data: bytes = b'') -> bytes:
    """Make a PNG that announces a size, whatever it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
        )

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    parts = (('IHDR', header), ('IDAT', data or zlib.compress(bytes(1000))), ('IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(chunk(kind.encode(), body) for kind, body in parts)


def pages(count: int, suffix: str) -> bytes:
    """Make a file of several pages."""
    images = [Image.fromarray(noise(SIZE, 900 + index)) for index in range(count)]
    target = io.BytesIO()
    images[0].save(target, {'tif': 'TIFF'}.get(suffix, suffix.upper()), save_all=True,
                   append_images=images[1:])  # fmt: skip
    return target.getvalue()


def _masked(image: str, mask: str) -> Mapping[str, Any]:
    return recipe_of(
        f'{image}_with_{mask.replace(".", "_")}',
        'MaskImageReader',
        'endoscopy',
        images=f'images/{{stem}}.{image}',
        masks=[{'path': f'masks/{{stem}}.{mask}', 'label': 'polyp', 'threshold': 127}],
    )


def _images(suffix: str) -> Suite:
    name, target = f'{suffix}_images', f'images/{{stem}}.{suffix}'
    faults = [
        Fault(damage.name, {target: damage.data}, outcome='rejected' if damage.fatal else 'any')
        for damage in damage_bytes(picture(5077, suffix), name)
    ]
    return Suite(
        name,
        _masked(suffix, 'png') | {'name': name, 'root': name},
        lambda stem, number: {
            f'images/{stem}.{suffix}': picture(number, suffix),
            f'masks/{stem}.png': encode(blob(number), 'png'),
        },
        faults,
    )


def _masks(suffix: str) -> Suite:
    name, target = f'{suffix.replace(".", "_")}_masks', f'masks/{{stem}}.{suffix}'

    def mask(number: int) -> bytes:
        return plane(blob(number)) if suffix == 'nii.gz' else encode(blob(number), suffix)

    faults = [
        Fault(damage.name, {target: damage.data}, outcome='rejected' if damage.fatal else 'any')
        for damage in damage_bytes(mask(5), name)
    ]
    return Suite(
        name,
        _masked('png', suffix) | {'name': name, 'root': name},
        lambda stem, number: {
            f'images/{stem}.png': picture(number),
            f'masks/{stem}.{suffix}': mask(number),
        },
        faults,
    )


def _turned() -> bytes:
    target = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise((*SIZE, 3), 5031)).save(target, 'JPEG', exif=exif)
    return target.getvalue()


def _odd_images() -> Suite:
    """Sound files of odd kinds, and files that only look sound; all are called ``.png``."""
    grey = noise(SIZE, 5050)
    images = {
        'announces 2^31 pixels': bomb(2**16, 2**15),
        'announces 4e18 pixels': bomb(2**31 - 1, 2**31 - 1),
        'announces no pixel': bomb(0, 0),
        'announces more rows than it has': bomb(64, 9000),
        'turned by EXIF': _turned(),
        'TIFF of 3 pages': pages(3, 'tif'),
        'GIF of 3 frames': pages(3, 'gif'),
        'animated PNG': pages(3, 'png'),
        'constant': encode(np.full(SIZE, 9, np.uint8), 'png'),
        'floating point': encode(noise(SIZE, 5051).astype(np.float32), 'tif'),
        'negative numbers': encode(noise(SIZE, 5052).astype(np.int32) - 99, 'tif'),
        'another size than its mask': encode(noise((24, 33), 5053), 'png'),
        'turned by 90 degrees': encode(noise((32, 24), 5054), 'png'),
        'one pixel': encode(noise((1, 1), 5055), 'png'),
        'very wide': encode(noise((1, 65500), 5056), 'png'),
        'SVG': b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        'EPS': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 24\n/x {x} def x\n',
        'zip': b'PK\x03\x04' + bytes(200),
    }
    sound = {
        'CMYK': encode(noise((*SIZE, 3), 5060), 'jpg', 'CMYK'),
        'palette': encode(grey, 'png', 'P'),
        'transparent': encode(noise((*SIZE, 4), 5061), 'png'),
        '16 bits': encode(noise(SIZE, 5062).astype(np.uint16) * 200, 'png'),
        'BMP': picture(5063, 'bmp'),
    }  # fmt: skip
    faults = [Fault(name, {'images/{stem}.png': data}) for name, data in images.items()]
    faults += [
        Fault(name, {'images/{stem}.png': data}, outcome='taken') for name, data in sound.items()
    ]
    return Suite(
        'odd_images',
        _masked('png', 'png') | {'name': 'odd_images', 'root': 'odd_images'},
        lambda stem, number: {
            f'images/{stem}.png': picture(number),
            f'masks/{stem}.png': encode(blob(number), 'png'),
        },
        faults,
    )


def _odd_masks() -> Suite:
    """Masks by value that do not fit their image or their names."""
    values = blob(1, value=1)
    wrong = blob(1, value=1)
    wrong[20, 20] = 77
    many = np.arange(768, dtype=np.uint16).reshape(SIZE)
    rejected = {
        'another size': encode(blob(0, (25, 32)), 'png'),
        'turned': encode(values.T.copy(), 'png'),
        'announces 2^31 pixels': bomb(2**16, 2**15),
        'several pages': pages(2, 'tif'),
        'turned by EXIF': _turned(),
    }
    noted = {
        'value outside the map': encode(wrong, 'png'),
        'all values': encode(many, 'png'),
        'colour': encode(noise((*SIZE, 3), 5003), 'png'),
        'floating point': encode(values.astype(np.float32) * 0.5, 'tif'),
        'not a number': encode(np.where(values > 0, np.nan, 0).astype(np.float32), 'tif'),
        'infinite': encode(np.where(values > 0, np.inf, 0).astype(np.float32), 'tif'),
        'negative': encode(-values.astype(np.int32), 'tif'),
    }
    faults = [Fault(name, {'masks/{stem}.png': data}) for name, data in rejected.items()]
    faults += [
        Fault(name, {'masks/{stem}.png': data}, outcome='noted') for name, data in noted.items()
    ]
    recipe = _masked('png', 'png') | {'name': 'odd_masks', 'root': 'odd_masks'}
    recipe |= {'masks': [{'path': 'masks/{stem}.png', 'values': {1: 'polyp'}}]}
    return Suite(
        'odd_masks',
        recipe,
        lambda stem, number: {
            f'images/{stem}.png': picture(number),
            f'masks/{stem}.png': encode(blob(number, value=1), 'png'),
        },
        faults,
    )


SUITES = (
    *(_images(suffix) for suffix in _FORMATS),
    *(_masks(suffix) for suffix in ('png', 'gif', 'tif', 'nii.gz')),
    _odd_images(),
    _odd_masks(),
)
