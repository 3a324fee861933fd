import numpy as np
import pytest

from mmdet_medglip.visualization import DrawnBoxes, draw_overlay, phrase_colours
from mmdet_medglip.visualization.draw_overlay import enlarged

NONE = DrawnBoxes(np.zeros((0, 4)), [])
GREY = np.full((100, 100), 90, np.uint8)


def test_a_small_image_is_enlarged_and_a_large_one_shrunk():
    assert draw_overlay(GREY, [], NONE, side=300).shape == (300, 300, 3)
    assert draw_overlay(np.zeros((100, 4000), np.uint8), [], NONE).shape[1] == 1600


def test_boxes_are_where_they_are():
    box = DrawnBoxes(np.array([[20, 30, 60, 70]]), [0], [0.9])
    picture = draw_overlay(GREY, ['liver'], box, side=400)
    lines = (picture[:400] == phrase_colours(1)[0]).all(axis=-1)
    columns = np.flatnonzero(lines.sum(axis=0) > 100)
    rows = np.flatnonzero(lines.sum(axis=1) > 100)
    assert (columns.min(), columns.max()) == (79, 240)
    assert (rows.min(), rows.max()) == (119, 280)


def test_what_was_not_found_and_warnings_make_it_higher():
    plain = draw_overlay(GREY, ['liver'], NONE)
    told = draw_overlay(GREY, ['liver'], NONE, absent=['liver'], warnings=['w' * 300], title='ct')
    assert told.shape[0] > plain.shape[0] + 40
    assert told.shape[1] == plain.shape[1]


@pytest.mark.parametrize('kind', ['absent', 'contradicted'])
def test_a_long_list_takes_the_rows_that_it_needs(kind):
    names = [f'phrase of some length {number}' for number in range(16)]
    heights = [
        draw_overlay(GREY, names, NONE, **{kind: names[:number]}).shape[0] for number in (1, 8, 16)
    ]
    assert heights[1] - heights[0] > 40
    assert heights[2] - heights[1] > 40


def test_pixels_have_their_true_shape():
    picture, scale = enlarged(GREY, 300, spacing_mm=(3.0, 1.0))
    assert picture.size == (100, 300)
    assert scale == (1.0, 3.0)
    assert enlarged(GREY, 300, spacing_mm=(1.01, 1.0))[1] == (3.0, 3.0)


def test_a_ruler_is_drawn_where_the_spacing_is_known():
    ruler = draw_overlay(GREY, [], NONE, side=400, spacing_mm=(1.0, 1.0))
    plain = draw_overlay(GREY, [], NONE, side=400)
    changed = np.argwhere((ruler != plain).any(axis=-1))
    assert changed.min(axis=0)[0] > 340
    # 20 mm at 4 pixels each are the longest of the usual lengths in a fifth of the width.
    white = (ruler == 235).all(axis=-1).sum(axis=1)
    assert 78 <= white.max() <= 84


@pytest.mark.parametrize(
    ('image', 'boxes', 'message'),
    [
        pytest.param(np.zeros((4, 4)), NONE, 'uint8 image', id='float'),
        pytest.param(
            GREY, DrawnBoxes(np.zeros((1, 4)), [2]), r'answers name phrases \[2\]', id='phrase'
        ),
    ],
)
def test_bad_input_is_named(image, boxes, message):
    with pytest.raises(ValueError, match=message):
        draw_overlay(image, ['x'], boxes)
