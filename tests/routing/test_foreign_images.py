import numpy as np
import pytest

from mmdet_medglip.routing import SIDE, draw_foreign, spoil
from mmdet_medglip.routing import foreign_images as module


@pytest.fixture(scope='module')
def known() -> np.ndarray:
    """A red and a blue picture with a gradient, so that tiles and colours can be told."""
    ramp = np.linspace(40, 200, SIDE * SIDE).reshape(SIDE, SIDE, 1)
    red = ramp * np.array([0.2, 0.3, 1.0])
    return np.stack([red, red[..., ::-1]]).astype(np.uint8)


def test_drawn_pictures_are_thumbnails_that_differ():
    rng = np.random.default_rng(0)
    drawn = [draw_foreign(rng) for _ in range(60)]
    assert all(image.dtype == np.uint8 and image.shape == (SIDE, SIDE, 3) for image in drawn)
    assert len({image.tobytes() for image in drawn}) == 60
    coloured = np.array([np.ptp(image.astype(int), axis=2).max() > 3 for image in drawn])
    assert 0.2 < coloured.mean() < 0.95


def test_the_same_seed_draws_the_same():
    first, second = (draw_foreign(np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize('scene', module._SCENES, ids=lambda scene: scene.__name__)
def test_each_scene_fills_the_picture(scene):
    image = scene(np.random.default_rng(1))
    assert image.shape == (SIDE, SIDE, 3)
    assert np.isfinite(image).all()


def test_spoiled_pictures_are_none_of_the_known(known):
    rng = np.random.default_rng(0)
    for _ in range(60):
        image = spoil(known, ['ct', 'mri'], rng)
        assert image.dtype == np.uint8
        assert image.shape == (SIDE, SIDE, 3)
        assert not any(np.array_equal(image, one) for one in known)


def test_shuffled_tiles_keep_every_pixel(known):
    shuffled = module._shuffled(known[0], np.random.default_rng(0))
    assert not np.array_equal(shuffled, known[0])
    assert np.array_equal(np.sort(shuffled.ravel()), np.sort(known[0].ravel()))


def test_collage_shows_four_images():
    four = np.stack([np.full((SIDE, SIDE, 3), value, np.uint8) for value in (1, 2, 3, 4)])
    collage = module._collage(four)
    half = SIDE // 2
    corners = [collage[y, x, 0] for y in (0, half) for x in (0, half)]
    assert corners == [1, 2, 3, 4]
