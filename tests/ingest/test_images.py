"""Image files at the border."""

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.images import (
    check_pixels,
    image_size,
    open_image,
    read_image,
    stored_suffix,
    write_png,
)


@pytest.mark.parametrize(
    'values',
    [
        pytest.param(np.arange(6, dtype=np.uint8).reshape(2, 3), id='grey'),
        pytest.param(np.arange(18, dtype=np.uint8).reshape(2, 3, 3), id='colour'),
        pytest.param(np.arange(6, dtype=np.uint16).reshape(2, 3) * 10_000, id='16-bit'),
    ],
)
def test_round_trip(tmp_path: Path, values: np.ndarray) -> None:
    write_png(tmp_path / 'a.png', values)
    assert image_size(tmp_path / 'a.png') == (2, 3)
    back = read_image(tmp_path / 'a.png')
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


def test_size_is_bounded_before_pixels_are_read(tmp_path: Path) -> None:
    Image.new('1', (3000, 2000)).save(tmp_path / 'a.png')
    with pytest.raises(ValueError, match=r'a\.png: 3000 x 2000 px is over the limit of 1000'):
        read_image(tmp_path / 'a.png', max_pixels=1000)


def test_limit_itself_is_allowed() -> None:
    check_pixels('a', 10, 10, max_pixels=100)


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_turned_image_is_refused(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (4, 3)).save(tmp_path / f'a.{suffix}', exif=exif)
    with pytest.raises(ValueError, match='stored turned'):
        image_size(tmp_path / f'a.{suffix}')


def test_values_beyond_16_bits(tmp_path: Path) -> None:
    Image.fromarray(np.array([[70_000]], dtype=np.int32)).save(tmp_path / 'a.tif')
    with pytest.raises(ValueError, match='must fit 16 bits'):
        read_image(tmp_path / 'a.tif')


@pytest.mark.parametrize(
    'values',
    [np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3)), np.zeros((0, 3), np.uint8)],
    ids=['four-channels', 'float', 'no-rows'],
)
def test_arrays_that_are_no_images(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(ValueError, match='Image must be uint8'):
        write_png(tmp_path / 'a.png', values)


def test_kinds_that_are_stored_as_they_are(tmp_path: Path) -> None:
    kinds = {'L': '.png', 'RGB': '.png', 'I;16': '.png', '1': None, 'P': None, 'RGBA': None}
    for mode, suffix in kinds.items():
        Image.new(mode, (3, 2)).save(tmp_path / 'a.png')
        assert stored_suffix(tmp_path / 'a.png') == suffix, mode
    for mode, suffix in {'L': '.jpg', 'RGB': '.jpg', 'CMYK': None}.items():
        Image.new(mode, (3, 2)).save(tmp_path / 'a.jpg')
        assert stored_suffix(tmp_path / 'a.jpg') == suffix, mode
    Image.new('RGB', (3, 2)).save(tmp_path / 'a.tif')
    assert stored_suffix(tmp_path / 'a.tif') is None


def test_one_bit(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / 'a.png')
    assert read_image(tmp_path / 'a.png').tolist() == [[255, 0]]


def test_palette(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode='P')
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / 'a.png')
    assert read_image(tmp_path / 'a.png').tolist() == [[[10, 20, 30], [40, 50, 60]]]


@pytest.mark.parametrize(
    ('pixel', 'seen'),
    [
        pytest.param([200, 100, 50, 255], [200, 100, 50], id='opaque'),
        pytest.param([200, 100, 50, 0], [0, 0, 0], id='transparent-is-black'),
        pytest.param([200, 100, 50, 128], [100, 50, 25], id='half'),
    ],
)
def test_transparency_is_shown_on_black(tmp_path: Path, pixel: list, seen: list) -> None:
    Image.fromarray(np.array([[pixel]], dtype=np.uint8)).save(tmp_path / 'a.png')
    assert read_image(tmp_path / 'a.png')[0, 0].tolist() == pytest.approx(seen, abs=1)


def test_grey_with_transparency(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[90, 255], [90, 0]]], dtype=np.uint8), mode='LA').save(
        tmp_path / 'a.png'
    )
    assert read_image(tmp_path / 'a.png').tolist() == [[90, 0]]


def test_transparent_palette_colour(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode='P')
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / 'a.png', transparency=0)
    assert read_image(tmp_path / 'a.png').tolist() == [[[0, 0, 0], [40, 50, 60]]]


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.new('CMYK', (16, 16), (0, 255, 255, 0)).save(tmp_path / 'a.jpg', quality=95)
    assert read_image(tmp_path / 'a.jpg')[8, 8].tolist() == pytest.approx([255, 0, 0], abs=6)


def test_16_bit_tiff(tmp_path: Path) -> None:
    values = np.array([[0, 40_000], [65_535, 7]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / 'a.tif')
    back = read_image(tmp_path / 'a.tif')
    assert back.dtype == np.uint16
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_16_bit_colour_keeps_the_upper_bits(tmp_path: Path, suffix: str) -> None:
    values = np.array([[[1 << 8, 2 << 8, 3 << 8]]], dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f'a.{suffix}'), values[..., ::-1])
    assert read_image(tmp_path / f'a.{suffix}').tolist() == [[[1, 2, 3]]]
    assert stored_suffix(tmp_path / f'a.{suffix}') is None


def test_floating_point_tiff(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.5]], dtype=np.float32)).save(tmp_path / 'a.tif')
    with pytest.raises(ValueError, match='floating-point values; rescale'):
        read_image(tmp_path / 'a.tif')


@pytest.mark.parametrize('suffix', ['tif', 'gif', 'png'])
def test_several_pages_are_refused(tmp_path: Path, suffix: str) -> None:
    pages = [Image.new('L', (4, 3), colour) for colour in (10, 200)]
    pages[0].save(tmp_path / f'a.{suffix}', save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match='holds 2 pages, expected one image'):
        image_size(tmp_path / f'a.{suffix}')


@pytest.mark.parametrize('suffix', ['png', 'jpg', 'tif', 'bmp', 'gif'])
@pytest.mark.parametrize('share', [0.05, 0.5, 0.9])
def test_truncated_files(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f'a.{suffix}'
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=rf'a\.{suffix} .*; replace it'):
        read_image(path)


@pytest.mark.parametrize(
    'kind', [b'\x89PNG\r\n\x1a\n', b'II*\0', b'\xff\xd8\xff', b'GIF89a', b'BM']
)
def test_noise_behind_a_signature(tmp_path: Path, kind: bytes) -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).bytes(400)
        (tmp_path / 'a.png').write_bytes(kind + noise)
        with pytest.raises(ValueError, match=r'a\.png'):
            read_image(tmp_path / 'a.png')


@pytest.mark.parametrize('side', [20_000, 2_000_000_000], ids=['over-limit', 'absurd'])
def test_header_of_a_bomb(tmp_path: Path, side: int) -> None:
    """A PNG header that announces more pixels than there are bytes."""
    Image.new('L', (1, 1)).save(tmp_path / 'a.png')
    data = bytearray((tmp_path / 'a.png').read_bytes())
    data[16:24] = side.to_bytes(4, 'big') * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, 'big')
    (tmp_path / 'a.png').write_bytes(data)
    with pytest.raises(ValueError, match=r'a\.png'):
        read_image(tmp_path / 'a.png')


def test_postscript_is_refused_and_never_run(tmp_path: Path, monkeypatch) -> None:
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, 'Ghostscript', lambda *_, **__: pytest.fail('it was run'))
    path = tmp_path / 'scan.png'
    path.write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 24\nshowpage\n')
    with pytest.raises(ValueError, match='cannot be read as an image'):
        open_image(path)
