import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.downstream.context import crop_regions, draw_marks, read_picture


def gradient(height=100, width=200):
    """An image whose pixels say where they are."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ('box', 'options', 'expected'),
    [
        pytest.param((50, 40, 90, 80), {'margin': 0}, (50, 40, 90, 80), id='no_margin'),
        pytest.param((50, 40, 90, 80), {'margin': 0.25}, (40, 30, 100, 90), id='a_quarter_more'),
        pytest.param((50.2, 40, 89.5, 80), {'margin': 0}, (50, 40, 90, 80), id='whole_pixels'),
        pytest.param((0, 0, 40, 40), {'margin': 0.5}, (0, 0, 60, 60), id='image_ends'),
        pytest.param((100, 50, 102, 52), {'margin': 0}, (85, 35, 117, 67), id='small_one_grows'),
        pytest.param((198, 98, 200, 100), {'margin': 0}, (168, 68, 200, 100), id='moved_inward'),
        pytest.param(
            (10, 10, 12, 12), {'margin': 0, 'min_side': 500}, (0, 0, 200, 100), id='image_is_less'
        ),
    ],
)
def test_crops(make_regions, box, options, expected):
    (crop,) = crop_regions(gradient(), make_regions('a', ('x', 0.5, box)), **options)
    x1, y1, x2, y2 = expected
    np.testing.assert_array_equal(crop, gradient()[y1:y2, x1:x2])


def test_crops_of_grey_images_are_rgb(make_regions):
    (crop,) = crop_regions(gradient()[..., 0], make_regions('a', ('x', 0.5, (0, 0, 50, 50))))
    assert crop.shape == (58, 58, 3)
    assert crop_regions(gradient(), make_regions()) == []


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'margin': -0.1}, 'margin must be at least 0', id='margin'),
        pytest.param({'min_side': 0}, 'min_side must be at least 1', id='min_side'),
    ],
)
def test_crops_refuse(make_regions, options, message):
    with pytest.raises(ValueError, match=message):
        crop_regions(gradient(), make_regions(), **options)


def test_marks_change_only_what_they_cover(make_regions):
    image = np.zeros((100, 200, 3), np.uint8)
    marked = draw_marks(image, make_regions('a', ('x', 0.5, (100, 20, 180, 90))))
    changed = np.argwhere(marked.any(axis=2))
    assert changed.min(0).tolist() == [20, 100]
    assert changed.max(0).tolist() == [89, 179]
    assert not marked[40:80, 120:170].any()
    assert not image.any()


def test_each_mark_has_a_colour_and_a_tag(make_regions):
    image = np.zeros((300, 300), np.uint8)
    boxes = [(10, 10, 140, 140), (10, 10, 140, 140), (200, 200, 210, 210)]
    marked = draw_marks(
        image, make_regions('a', *(('x', 0.5, box) for box in boxes), height=300, width=300)
    )
    colours, counts = np.unique(marked.reshape(-1, 3), axis=0, return_counts=True)
    seen = dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))
    tags = [colour for colour, count in seen.items() if count > 40 and any(colour)]
    assert len(tags) == 3
    # The small region stays visible inside its outline: the tag stands beside it.
    assert not marked[202:208, 202:208].any()


def test_marks_of_nothing_are_the_image(make_regions):
    np.testing.assert_array_equal(draw_marks(gradient(), make_regions()), gradient())


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        pytest.param(np.zeros((100, 100), np.uint8), '100 x 100 px, but its regions', id='size'),
        pytest.param(np.zeros((100, 200), np.uint16), r'got uint16 \[100, 200\]', id='uint16'),
        pytest.param(np.zeros((100, 200, 4), np.uint8), 'must be uint8', id='four_channels'),
    ],
)
@pytest.mark.parametrize('draw', [draw_marks, crop_regions], ids=['marks', 'crops'])
def test_another_image_is_refused(make_regions, draw, image, message):
    with pytest.raises(ValueError, match=message):
        draw(image, make_regions('a', ('x', 0.5, (0, 0, 50, 50))))


def test_read_picture_of_16_bits_is_stretched_between_its_percentiles(tmp_path):
    values = np.arange(1000, dtype=np.uint16).reshape(20, 50) * 60
    values[0, 0], values[-1, -1] = 65535, 0
    Image.fromarray(values).save(tmp_path / 'ct.png')
    picture = read_picture(tmp_path / 'ct.png')
    assert picture.shape == (20, 50, 3)
    assert picture.min() == 0
    assert picture.max() == 255
    assert abs(int(picture[10, 0, 0]) - 128) <= 2
    assert picture[0, 0].tolist() == [255] * 3


def test_read_picture_of_one_value(tmp_path):
    Image.fromarray(np.full((4, 4), 300, np.uint16)).save(tmp_path / 'flat.png')
    assert not read_picture(tmp_path / 'flat.png').any()
