import numpy as np
import pytest

from mmdet_medglip.visualization import draw_heat_map, draw_heat_maps
from mmdet_medglip.visualization.heat_map import heat_colours

GREY = np.full((64, 64), 90, np.uint8)


def test_colours_get_brighter():
    grey = heat_colours(np.linspace(0, 1, 50)) @ (0.299, 0.587, 0.114)
    assert (np.diff(grey) > 0).all()
    assert heat_colours(np.array([-1.0, 2.0])).tolist() == heat_colours(np.array([0, 1.0])).tolist()


def test_the_image_stays_where_nothing_is_seen():
    heat = np.zeros((8, 8))
    heat[6, 6] = 0.8
    picture = draw_heat_map(GREY, heat, 'liver', side=256)
    top = picture.shape[0] - 256
    assert (picture[top : top + 100, :100] == 90).all()
    seen = picture[top + 208, 208].astype(int)
    assert seen[0] > 150  # at the middle of the place


def test_one_scale_for_all_phrases():
    heats = np.stack([np.full((4, 4), 0.2), np.full((4, 4), 0.8)])
    sheet = draw_heat_maps(GREY, heats, ['a', 'b'], side=128, columns=2)
    left, right = sheet[100, 60].astype(int), sheet[100, 200].astype(int)
    assert right.sum() > left.sum()


def test_bad_maps_are_named():
    with pytest.raises(ValueError, match=r'a map \[h, w\]'):
        draw_heat_map(GREY, np.zeros(3), 'x')
    with pytest.raises(ValueError, match='a map for each phrase, got 1 and 2'):
        draw_heat_maps(GREY, np.zeros((1, 2, 2)), ['a', 'b'])
