import pytest

from mmdet_medglip.downstream.context import grid_places, lung_zones


@pytest.mark.parametrize(
    ('box', 'sides', 'expected'),
    [
        pytest.param((0, 0, 60, 20), 'image', 'upper left', id='picture'),
        pytest.param((0, 0, 60, 20), 'radiological', 'upper right', id='radiological_turns_sides'),
        pytest.param((0, 0, 60, 20), 'neurological', 'upper left', id='neurological_does_not'),
        pytest.param((140, 80, 200, 90), 'image', 'lower right', id='lower_right'),
        pytest.param((140, 80, 200, 90), 'radiological', 'lower left', id='lower_left_of_patient'),
        pytest.param((0, 0, 180, 90), 'radiological', 'centre', id='whole_image_is_its_centre'),
        pytest.param((80, 0, 100, 20), 'radiological', 'upper centre', id='centre_has_no_side'),
        pytest.param((0, 20, 20, 70), 'image', 'middle left', id='middle'),
        pytest.param((55, 0, 65, 20), 'image', 'upper centre', id='a_cut_belongs_to_the_next'),
    ],
)
def test_grid(make_regions, box, sides, expected):
    regions = make_regions('a', ('x', 0.5, box), height=90, width=200 if box[2] == 200 else 180)
    assert grid_places(regions, sides) == [expected]


def test_grid_without_regions(make_regions):
    assert grid_places(make_regions(), 'image') == []


LUNGS = [
    ('right lung', 0.9, (10, 10, 90, 100)),
    ('Left lung', 0.8, (110, 40, 190, 100)),
    ('left lung', 0.3, (0, 0, 200, 100)),
]


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        pytest.param((20, 20, 40, 40), 'upper right lung zone', id='right'),
        pytest.param((120, 41, 140, 55), 'upper left lung zone', id='thirds_of_the_lung_itself'),
        pytest.param((120, 65, 140, 75), 'middle left lung zone', id='middle'),
        pytest.param((120, 90, 140, 100), 'lower left lung zone', id='lower'),
        pytest.param((95, 50, 105, 60), 'centre of the image', id='outside_both'),
    ],
)
@pytest.mark.parametrize('sides', ['image', 'radiological'])
def test_zones_by_the_lungs_have_their_side(make_regions, box, expected, sides):
    regions = make_regions('a', *LUNGS, ('opacity', 0.5, box))
    assert lung_zones(regions, sides)[-1] == expected


def test_lungs_themselves_are_no_zone(make_regions):
    regions = make_regions('a', *LUNGS[:2])
    assert lung_zones(regions, 'radiological') == [
        'middle right of the image',
        'lower left of the image',
    ]


@pytest.mark.parametrize(
    ('sides', 'expected'),
    [
        pytest.param('radiological', 'upper right lung zone', id='radiological'),
        pytest.param('neurological', 'upper left lung zone', id='neurological'),
    ],
)
def test_zones_without_lungs_follow_the_sides(make_regions, sides, expected):
    assert lung_zones(make_regions('a', ('x', 0.5, (20, 10, 40, 30))), sides) == [expected]


def test_zones_without_lungs_are_not_guessed(make_regions):
    with pytest.raises(ValueError, match=r"'a' has no regions 'left lung'.*say how it is shown"):
        lung_zones(make_regions('a', ('x', 0.5, (20, 10, 40, 30))), 'image')
    assert lung_zones(make_regions(), 'image') == []


def test_unknown_sides(make_regions):
    with pytest.raises(ValueError, match=r"sides must be one of .*, got 'patient'"):
        grid_places(make_regions(), 'patient')
