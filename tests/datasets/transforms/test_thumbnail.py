import numpy as np
import pytest

from mmdet_medglip.datasets.transforms import ModalityThumbnail, thumbnail_of


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 200, (128, 192)).astype(np.float32)


@pytest.mark.parametrize(
    ('scale', 'offset'),
    [
        pytest.param(257, 0, id='16-bit'),
        pytest.param(4, -1024, id='hounsfield-units'),
        pytest.param(0.001, 5, id='small-fractions'),
    ],
)
def test_units_do_not_matter(image, scale, offset):
    scaled = thumbnail_of(image * np.float32(scale) + np.float32(offset))
    assert np.abs(scaled.astype(int) - thumbnail_of(image)).max() <= 1


def test_grey_is_grey_and_colour_stays_in_order(image):
    grey = thumbnail_of(image)
    assert grey.dtype == np.uint8
    assert grey.shape == (64, 64, 3)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    blue = thumbnail_of(np.stack([image, image * 0, image * 0], -1))
    assert blue[..., 0].max() > 200
    assert blue[..., 1:].max() == 0


def test_the_file_of_a_grey_image_in_colour_makes_the_same(image):
    assert np.array_equal(thumbnail_of(np.stack([image] * 3, -1)), thumbnail_of(image))


@pytest.mark.parametrize('shape', [(1, 1), (20, 700), (64, 64), (2100, 1500)], ids=str)
def test_any_size_fills_the_square(shape):
    image = np.zeros(shape, np.float32)
    image[:, : max(1, shape[1] // 2)] = 255
    thumbnail = thumbnail_of(image)
    assert thumbnail.shape == (64, 64, 3)
    if shape[1] > 1:
        assert thumbnail[32, 4, 0] == 255
        assert thumbnail[32, 60, 0] == 0


def test_one_value_is_black():
    assert not thumbnail_of(np.full((9, 9), 300, np.float32)).any()


def test_the_transform_leaves_the_image_alone(image):
    results = ModalityThumbnail()(dict(img=image))
    assert results['img'] is image
    assert np.array_equal(results['modality_thumbnail'], thumbnail_of(image))
