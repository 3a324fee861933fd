import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.datasets import LoadMedImage

HEIGHT, WIDTH = 4, 6


def _info(path: Path, **fields: object) -> dict:
    return {'img_path': str(path), 'img_id': 'case-7', 'height': HEIGHT, 'width': WIDTH, **fields}


def _write(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


def test_16_bit_grey_becomes_hounsfield_units(tmp_path: Path) -> None:
    stored = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 200
    path = _write(tmp_path / 'a.png', stored)
    out = LoadMedImage()(_info(path, rescale_slope=0.5, rescale_intercept=-1024.0))
    assert out['img'].dtype == np.float32
    assert out['img'].shape == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(out['img'], stored * 0.5 - 1024)
    assert out['img_bits'] == 16
    assert out['img_shape'] == out['ori_shape'] == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ('pixels', 'expected'),
    [
        pytest.param(
            np.tile(np.uint8([1, 2, 3]), (HEIGHT, WIDTH, 1)), (HEIGHT, WIDTH, 3), id='colour is BGR'
        ),
        pytest.param(
            np.tile(np.uint8([1, 2, 3, 0]), (HEIGHT, WIDTH, 1)),
            (HEIGHT, WIDTH, 3),
            id='alpha is dropped',
        ),
        pytest.param(np.full((HEIGHT, WIDTH), 9, np.uint8), (HEIGHT, WIDTH), id='grey stays grey'),
    ],
)
def test_8_bit_layouts(tmp_path: Path, pixels: np.ndarray, expected: tuple[int, ...]) -> None:
    out = LoadMedImage()(_info(_write(tmp_path / 'a.png', pixels)))
    assert out['img'].shape == expected
    assert out['img_bits'] == 8
    np.testing.assert_array_equal(out['img'], pixels[..., :3] if pixels.ndim == 3 else pixels)


def test_exif_rotation_is_ignored_because_boxes_refer_to_the_stored_image(tmp_path: Path) -> None:
    path = tmp_path / 'a.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (WIDTH, HEIGHT), (255, 0, 0)).save(path, exif=exif)
    assert LoadMedImage()(_info(path))['img_shape'] == (HEIGHT, WIDTH)


def _truncated() -> bytes:
    rng = np.random.default_rng(0)
    ok, data = cv2.imencode('.png', rng.integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8))
    assert ok
    return data.tobytes()[:60]


def _huge_header() -> bytes:
    buffer = io.BytesIO()
    Image.new('L', (300, 300)).save(buffer, 'PNG')
    return buffer.getvalue()


@pytest.mark.parametrize(
    ('content', 'error', 'message'),
    [
        pytest.param(None, FileNotFoundError, "record 'case-7' does not exist", id='missing'),
        pytest.param(b'', ValueError, 'not a readable PNG or JPEG', id='empty'),
        pytest.param(b'no image', ValueError, 'not a readable PNG or JPEG', id='text'),
        pytest.param(_truncated(), ValueError, 'cannot be decoded', id='truncated'),
        pytest.param(_huge_header(), ValueError, 'more than max_pixels=100', id='too large'),
    ],
)
def test_bad_files_name_file_and_record(
    tmp_path: Path, content: bytes | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / 'bad.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        LoadMedImage(max_pixels=100)(_info(path))
    assert str(path) in str(caught.value)
    assert 'case-7' in str(caught.value)


def test_folder_instead_of_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='cannot be read'):
        LoadMedImage()(_info(tmp_path))


def test_size_other_than_the_record_says_is_an_error(tmp_path: Path) -> None:
    path = _write(tmp_path / 'a.png', np.zeros((HEIGHT, WIDTH), np.uint8))
    with pytest.raises(ValueError, match=r'is 4 x 6 .* says 8 x 6'):
        LoadMedImage()(_info(path) | {'height': 8})


def test_max_pixels_must_be_positive() -> None:
    with pytest.raises(ValueError, match='max_pixels'):
        LoadMedImage(max_pixels=0)


def test_pixels_in_memory_need_no_file():
    pixels = np.array([[0, 1000]], np.uint16)
    results = LoadMedImage()(dict(pixels=pixels, rescale_slope=2.0, rescale_intercept=-1000.0))
    assert results['img'].tolist() == [[-1000.0, 1000.0]]
    assert results['img_bits'] == 16
    assert results['ori_shape'] == (1, 2)
    assert 'pixels' not in results
    with pytest.raises(ValueError, match='holds float32 pixels'):
        LoadMedImage()(dict(pixels=np.zeros((2, 2), np.float32)))
    with pytest.raises(ValueError, match='max_pixels=3'):
        LoadMedImage(max_pixels=3)(dict(pixels=np.zeros((2, 2), np.uint8)))
