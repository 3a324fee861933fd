"""Quality control of one image."""

import numpy as np
import pytest

from mmdet_medglip.ingest.quality import (
    FINGERPRINT_BYTES,
    check_regions,
    fingerprint,
    grey_levels,
    pixel_fault,
)
from mmdet_medglip.ingest.regions import Regions
from mmdet_medglip.structures import Instance

NOISE = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)


def blank(dots: int) -> np.ndarray:
    image = np.zeros((100, 100), dtype=np.uint16)
    image.flat[:dots] = 7
    return image


@pytest.mark.parametrize(
    ('image', 'expected'),
    [
        (NOISE, None),
        (np.full((9, 9), 255, np.uint8), 'image is constant'),
        (blank(10), 'image is blank'),
        (blank(11), None),
        (np.full((1, 1), 3, np.uint8), 'image is constant'),
    ],
    ids=['noise', 'white', 'ten_dots', 'eleven_dots', 'one_pixel'],
)
def test_pixel_fault(image: np.ndarray, expected: str | None) -> None:
    assert pixel_fault(image) == expected


def test_grey_of_colour_weighs_channels() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 100
    assert grey_levels(red).tolist() == [[30, 30], [30, 30]]
    assert grey_levels(NOISE) is NOISE


def print_of(image: np.ndarray, *instances: Instance) -> bytes:
    return fingerprint(image, grey_levels(image), instances)


def test_fingerprint_tells_content_apart() -> None:
    one, other = NOISE.copy(), NOISE.copy()
    other[3, 3] ^= 1
    liver, spleen = Instance((1, 1, 5, 5), 'liver'), Instance((1, 1, 5, 5), 'spleen')
    base = print_of(one, liver, spleen)
    assert len(base) == FINGERPRINT_BYTES
    assert print_of(one.copy(), spleen, liver) == base
    assert print_of(one, liver)[:48] == base[:48]
    assert print_of(one, liver)[48:] != base[48:]
    assert print_of(other, liver, spleen)[:32] == base[:32]
    assert print_of(other, liver, spleen)[32:48] != base[32:48]
    assert print_of(one.reshape(50, 40))[32:48] != base[32:48]


def checked(*instances: Instance) -> Regions:
    return check_regions(Regions(list(instances)), (100, 100))


def test_region_marked_twice_is_left_out() -> None:
    made = checked(Instance((10, 10, 50, 50), 'liver'), Instance((10, 10, 50, 51), 'liver'))
    assert [i.bbox for i in made.instances] == [(10, 10, 50, 50)]
    assert [left.reason for left in made.left] == ['region is marked twice']


def test_two_phrases_for_one_region_stay() -> None:
    made = checked(
        Instance((10, 10, 50, 50), phrase='the mass'),
        Instance((10, 10, 50, 50), phrase='it'),
    )
    assert len(made.instances) == 2
    assert not made.left


@pytest.mark.parametrize(
    ('instances', 'flags'),
    [
        ([Instance((10, 10, 50, 50), 'liver')], set()),
        (
            [Instance((10, 10, 50, 50), 'liver'), Instance((10, 10, 50, 50), 'spleen')],
            {'region_under_two_names'},
        ),
        ([Instance((0, 0, 99, 99), 'liver')], {'box_covers_image'}),
        ([Instance((5, 5, 20, 6.5), 'liver')], {'tiny_box'}),
    ],
    ids=['fine', 'two_names', 'whole', 'tiny'],
)
def test_flags(instances: list[Instance], flags: set[str]) -> None:
    made = checked(*instances)
    assert made.flags == flags
    assert made.instances == instances
