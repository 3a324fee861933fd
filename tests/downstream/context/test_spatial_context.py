import numpy as np
import pytest

from mmdet_medglip.downstream.context import SpatialContext

FOUND = (('left kidney', 0.5, (20, 10, 100, 60)), ('liver', 0.25, (0, 0, 40, 100)))
IMAGE = np.full((100, 200, 3), 7, np.uint8)


def test_text_alone_leaves_the_image(make_regions):
    given = SpatialContext('pixel').give(IMAGE, make_regions('a', *FOUND))
    assert given.text.splitlines()[1:] == [
        'left kidney at [20, 10, 100, 60], 0.50',
        'liver at [0, 0, 40, 100], 0.25',
    ]
    (picture,) = given.pictures
    np.testing.assert_array_equal(picture, IMAGE)


def test_all_forms_together_refer_to_each_other(make_regions):
    context = SpatialContext('pixel', marks=True, max_crops=1, margin=0)
    given = context.give(IMAGE, make_regions('a', *FOUND))
    assert given.text.splitlines()[1:] == [
        '[1] left kidney at [20, 10, 100, 60], 0.50',
        '[2] liver at [0, 0, 40, 100], 0.25',
        'The boxes drawn in the image have the numbers of the regions.',
        'Picture 1 is the image; enlarged from it, picture 2 left kidney.',
    ]
    marked, crop = given.pictures
    assert (marked != IMAGE).any()
    # A crop shows the image itself, not the marks on it.
    np.testing.assert_array_equal(crop, np.full((50, 80, 3), 7))


def test_marks_without_text_name_their_numbers(make_regions):
    context = SpatialContext(None, marks=True)
    assert context.describe(make_regions('a', *FOUND)) == (
        'The boxes drawn in the image are [1] left kidney, [2] liver.'
    )


@pytest.mark.parametrize(
    ('context', 'expected'),
    [
        pytest.param(SpatialContext(), 'No region was found in the image.', id='text'),
        pytest.param(SpatialContext(None, marks=True, max_crops=2), '', id='no_text'),
    ],
)
def test_no_region_and_no_context_differ(make_regions, context, expected):
    given = context.give(IMAGE, make_regions())
    assert given.text == expected
    nothing = context.give(IMAGE[..., 0], None)
    assert nothing.text == ''
    for pictures in (given.pictures, nothing.pictures):
        (picture,) = pictures
        np.testing.assert_array_equal(picture, IMAGE)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'text': 'xml'}, "text must be one of .*, or None, got 'xml'", id='text'),
        pytest.param({'max_crops': -1}, 'max_crops must be at least 0', id='max_crops'),
        pytest.param({'margin': float('nan')}, 'margin must be at least 0', id='margin'),
        pytest.param({'sides': 'mine'}, 'sides must be one of', id='sides'),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        SpatialContext(**options)


def test_settings_name_every_option():
    assert SpatialContext('places', sides='radiological').settings() == {
        'text': 'places',
        'marks': False,
        'max_crops': 0,
        'margin': 0.15,
        'sides': 'radiological',
        'scores': True,
    }
