import itertools

import numpy as np
import pytest

from mmdet_medglip.visualization.palette import DISTINCT, is_dashed, phrase_colours

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHTS = {
    'normal': np.eye(3),
    'protanopia': [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    'deuteranopia': [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    'tritanopia': [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colours):
    share = np.asarray(colours) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.clip(rgb, 0, 1) @ TO_XYZ.T / (0.9505, 1, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


@pytest.mark.parametrize('sight', list(SIGHTS))
def test_the_first_colours_differ_for_every_sight(sight):
    seen = lab(linear(phrase_colours(DISTINCT)) @ np.transpose(SIGHTS[sight]))
    pairs = itertools.combinations(seen, 2)
    assert min(np.linalg.norm(a - b) for a, b in pairs) >= 26


def test_black_text_can_be_read_on_all():
    luminance = linear(phrase_colours(40)) @ TO_XYZ[1]
    assert ((luminance + 0.05) / 0.05).min() >= 4.5  # WCAG AA


def test_no_colour_is_grey():
    values = lab(linear(phrase_colours(40)))
    assert np.hypot(values[:, 1], values[:, 2]).min() >= 15


def test_every_second_turn_is_dashed():
    assert [is_dashed(i) for i in (0, DISTINCT - 1, DISTINCT, 2 * DISTINCT)] == [
        False, False, True, False,
    ]  # fmt: skip
