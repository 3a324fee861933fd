import numpy as np
import pytest

from mmdet_medglip.visualization import DrawnBoxes, draw_grounding
from mmdet_medglip.visualization.draw_grounding import phrase_colours

NONE = DrawnBoxes(np.zeros((0, 4)), [])


def has_colour(picture, colour):
    return bool((picture == np.array(colour)).all(axis=-1).any())


def halves(picture):
    middle = picture.shape[1] // 2
    return picture[:, :middle], picture[:, middle:]


@pytest.mark.parametrize('shape', [(64, 48), (64, 48, 3)], ids=['grey', 'colour'])
def test_small_images_are_enlarged_to_the_panel_size(shape):
    picture = draw_grounding(np.zeros(shape, np.uint8), ['liver'], NONE, NONE)
    assert picture.dtype == np.uint8
    height, width, channels = picture.shape
    assert channels == 3
    assert height >= 512
    assert width >= 2 * 384


def test_large_images_keep_their_size():
    picture = draw_grounding(np.zeros((100, 700), np.uint8), [], NONE, NONE, panel_size=64)
    assert picture.shape[1] == pytest.approx(2 * 700, abs=40)


def test_truth_is_on_the_left_and_predictions_on_the_right():
    image = np.zeros((256, 256, 3), np.uint8)
    first, second = phrase_colours(2)
    picture = draw_grounding(
        image,
        ['liver', 'left kidney'],
        DrawnBoxes(np.array([[50, 50, 200, 200]]), [0]),
        DrawnBoxes(np.array([[50, 50, 200, 200]]), [1], [0.75]),
    )
    left, right = (half[:540] for half in halves(picture))
    assert has_colour(left, first)
    assert not has_colour(left, second)
    assert has_colour(right, second)
    assert not has_colour(right, first)


def test_box_edges_are_where_the_box_is():
    picture = draw_grounding(
        np.zeros((512, 512), np.uint8),
        ['x'],
        DrawnBoxes(np.array([[100, 300, 400, 400]]), [0]),
        NONE,
    )
    columns = np.nonzero((picture[::, :530] == phrase_colours(1)[0]).all(-1).sum(0) > 90)[0]
    assert columns.min() == pytest.approx(10 + 100, abs=2)
    assert columns.max() == pytest.approx(10 + 400, abs=2)


def test_boxes_beyond_the_image_are_drawn_at_its_edge():
    box = DrawnBoxes(np.array([[-20.0, -20, 900, 900], [600, 600, 700, 700]]), [0, 0], [1.0, 0.5])
    assert draw_grounding(np.zeros((64, 64), np.uint8), ['x'], NONE, box).shape[2] == 3


def test_colours_differ_and_do_not_depend_on_the_number():
    assert len(set(phrase_colours(40))) == 40
    assert phrase_colours(40)[:5] == phrase_colours(5)


def test_many_long_names_make_a_higher_legend():
    names = [f'a rather long phrase with number {i}' for i in range(30)]
    boxes = DrawnBoxes(np.tile([10, 10, 30, 30], (30, 1)), list(range(30)))
    few = draw_grounding(np.zeros((64, 64), np.uint8), names, NONE, NONE)
    many = draw_grounding(np.zeros((64, 64), np.uint8), names, boxes, NONE, title='t' * 500)
    assert many.shape[0] > few.shape[0] + 100
    assert many.shape[1] == few.shape[1]


@pytest.mark.parametrize(
    ('image', 'boxes', 'message'),
    [
        pytest.param(np.zeros((4, 4)), NONE, 'uint8 image .* got float64', id='float'),
        pytest.param(np.zeros((4, 4, 4), np.uint8), NONE, r'got uint8 \[4, 4, 4\]', id='rgba'),
        pytest.param(
            np.zeros((4, 4), np.uint8),
            DrawnBoxes(np.zeros((1, 4)), [3]),
            r'truth name phrases \[3\] of 1',
            id='phrase',
        ),
    ],
)
def test_bad_input_is_named(image, boxes, message):
    with pytest.raises(ValueError, match=message):
        draw_grounding(image, ['x'], boxes, NONE)


def test_one_phrase_and_score_per_box():
    with pytest.raises(ValueError, match='got 1 boxes, 2 phrases'):
        DrawnBoxes(np.zeros((1, 4)), [0, 1])
