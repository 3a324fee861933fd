"""Image files at the border."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.ingest.images import check_pixels, image_size, read_image, write_png


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
