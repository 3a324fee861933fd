import math

import numpy as np
import pytest

from mmdet_medglip.testing.phantoms.shapes import (
    blob,
    curve_distance,
    ellipse,
    largest_part,
    pick_inside,
    pixel_grid,
    profile,
    smooth_noise,
    soft,
    split_parts,
    wander,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_pixel_grid_holds_pixel_centres():
    x, y = pixel_grid(2, 3)
    assert x.tolist() == [[0.5, 1.5, 2.5]] * 2
    assert y.tolist() == [[0.5] * 3, [1.5] * 3]


@pytest.mark.parametrize(
    ('point', 'angle', 'expected'),
    [
        pytest.param((5, 3), 0, 0.0, id='centre'),
        pytest.param((9, 3), 0, 1.0, id='end of the long axis'),
        pytest.param((5, 4), 0, 0.5, id='half of the short axis'),
        pytest.param((5, 7), 90, 1.0, id='long axis turned down'),
    ],
)
def test_ellipse_is_one_on_its_outline(point, angle, expected):
    x, y = (np.array([float(v)]) for v in point)
    assert ellipse(x, y, (5, 3), (4, 2), angle)[0] == pytest.approx(expected, abs=1e-6)


def test_blob_without_roughness_is_an_ellipse(rng):
    x, y = pixel_grid(32, 32)
    smooth = blob(rng, x, y, (16, 16), (8, 5), 20, 0.0)
    assert np.allclose(smooth, ellipse(x, y, (16, 16), (8, 5), 20))


def test_blob_stays_near_its_ellipse(rng):
    x, y = pixel_grid(64, 64)
    inside = blob(rng, x, y, (32, 32), (12, 12), 0, 0.1) < 1
    assert inside[32, 32]
    assert not (inside & (ellipse(x, y, (32, 32), (12, 12)) > 1.8)).any()


@pytest.mark.parametrize('scale', [0, 1, 12], ids='sd {}'.format)
def test_smooth_noise_has_the_asked_size(rng, scale):
    noise = smooth_noise(rng, (90, 120), scale, 3.0)
    assert noise.shape == (90, 120)
    assert noise.std() == pytest.approx(3.0, rel=0.5)


def test_smooth_noise_of_larger_scale_changes_slower(rng):
    slow, fast = (smooth_noise(rng, (128, 128), s) for s in (12, 1))
    assert np.abs(np.diff(slow)).mean() < 0.3 * np.abs(np.diff(fast)).mean()


def test_soft_is_half_on_the_outline():
    values = soft(np.array([0.0, 1.0, 9.0]), 0.1)
    assert values == pytest.approx([1, 0.5, 0], abs=1e-6)


@pytest.mark.parametrize(
    ('t', 'expected'), [(0.5, 1.0), (0.7, math.sqrt(0.75)), (0.9, 0.0), (2.0, 0.0)]
)
def test_profile_of_an_ellipsoid(t, expected):
    assert profile(t, 0.5, 0.4) == pytest.approx(expected, abs=1e-6)


def test_wander_takes_equal_steps(rng):
    points = wander(rng, (10, 20), 0.0, 50, 2.0, 0.1)
    assert points.shape == (50, 2)
    assert np.linalg.norm(np.diff(points, axis=0), axis=1) == pytest.approx(2.0)


def test_wander_without_bend_goes_straight(rng):
    assert wander(rng, (0, 5), 0.0, 3, 2.0, 0.0) == pytest.approx(
        np.array([[2, 5], [4, 5], [6, 5]])
    )


def test_curve_distance():
    distance = curve_distance(np.array([[1.5, 0.5], [99.0, 99.0]]), 3, 4)
    assert distance[0].tolist() == [1, 0, 1, 2]
    assert distance[2, 1] == 2


def test_curve_outside_the_image_is_infinitely_far():
    assert np.isinf(curve_distance(np.array([[-5.0, 2.0]]), 3, 4)).all()


def test_pick_inside_keeps_its_margin(rng):
    mask = np.zeros((20, 30), bool)
    mask[5:16, 10:21] = True
    x, y = pick_inside(rng, mask, 6)
    assert (x, y) == (15.5, 10.5)  # the only pixel 6 away from the edge of an 11 x 11 square


@pytest.mark.parametrize('margin', [1, 3], ids='margin {}'.format)
def test_pick_inside_of_too_small_a_mask_is_none(rng, margin):
    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:4] = margin == 3
    assert pick_inside(rng, mask, margin) is None


def test_parts_touch_at_corners():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool)
    assert [part.sum() for part in split_parts(mask)] == [2, 1]
    assert largest_part(mask).tolist() == [[True, False, False, False], [False, True, False, False]]


def test_parts_of_nothing():
    empty = np.zeros((2, 2), bool)
    assert split_parts(empty) == []
    assert not largest_part(empty).any()
