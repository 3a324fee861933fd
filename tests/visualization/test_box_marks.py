import numpy as np
import pytest
from PIL import Image

from mmdet_medglip.visualization.box_marks import BoxMark, choose_texts, draw_marks, mark_rectangle
from mmdet_medglip.visualization.lettering import font_for
from mmdet_medglip.visualization.tags import overlap, place_tags

CYAN = (13, 255, 255)
FONT = font_for(400)


def drawn(*marks, ground=90, size=(200, 200)):
    picture = Image.new('RGB', size, (ground,) * 3)
    draw_marks(picture, marks, FONT)
    return np.asarray(picture)


def test_a_line_lies_outside_its_box():
    picture = drawn(BoxMark((50, 60, 90, 120), CYAN))
    assert (picture[60:120, 50:90] == 90).all()
    for line in (picture[60:120, 49], picture[60:120, 90], picture[59, 50:90], picture[120, 50:90]):
        assert (line == CYAN).all()


def test_a_dark_line_beside_it_on_bright_ground():
    picture = drawn(BoxMark((50, 60, 90, 120), CYAN), ground=255)
    assert (picture[60:120, 48] == 0).all()
    assert (picture[60:120, 91] == 0).all()


def test_dashes_leave_gaps():
    row = drawn(BoxMark((50, 60, 110, 120), CYAN, dashed=True))[59, 50:110]
    share = (row == CYAN).all(axis=1).mean()
    assert 0.4 < share < 0.7


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        pytest.param((10, 20, 30, 40), (9, 19, 30, 40), id='around'),
        pytest.param((0, 0, 100, 100), (0, 0, 99, 99), id='inside-the-picture'),
        pytest.param((50, 50, 51, 51), (48, 48, 52, 52), id='large-enough-to-see'),
        pytest.param((200, 200, 300, 300), (99, 99, 99, 99), id='beyond'),
    ],
)
def test_rectangles(box, expected):
    found = mark_rectangle(box, (100, 100))
    assert found == pytest.approx(expected, abs=1)
    assert 0 <= found[0] <= found[2] <= 99


def test_tags_do_not_hide_each_other_where_there_is_room():
    rectangles = [(x, 90, x + 30, 120) for x in (10, 60, 110, 160)]
    tags, hidden = place_tags(rectangles, [(0, 0, 60, 10)] * 4, (400, 400))
    assert hidden == 0
    assert all(overlap(a, b) == 0 for i, a in enumerate(tags) for b in tags[:i])


def test_names_stay_while_they_fit_and_numbers_take_their_place():
    def marks(boxes):
        return [BoxMark(box, CYAN, f'kidney {n}', str(n)) for n, box in enumerate(boxes)]

    few, short = choose_texts(marks([(20, 40, 60, 80), (20, 140, 60, 180)]), (200, 200), FONT)
    assert not short
    assert [mark.text for mark in few] == ['kidney 0', 'kidney 1']
    many, short = choose_texts(marks([(20, 40, 60, 80)] * 9), (400, 400), FONT)
    assert short
    assert [mark.text for mark in many] == [str(n) for n in range(9)]
    crowded, short = choose_texts(marks([(10, 10, 20, 20)] * 8), (60, 30), FONT)
    assert short
    assert crowded[0].text == '0'


def test_texts_have_their_colour_and_a_dark_rim():
    picture = drawn(BoxMark((50, 60, 90, 120), CYAN, 'liver 0.90'), ground=255)
    outside = picture.copy()
    outside[58:122, 48:92] = 255
    assert (outside == CYAN).all(axis=-1).any()
    assert (outside == 0).all(axis=-1).any()


def test_nothing_is_drawn_of_nothing():
    assert (drawn() == 90).all()
