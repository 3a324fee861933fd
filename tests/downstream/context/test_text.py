import pytest

from mmdet_medglip.downstream.context import TEXT_FORMS, describe_regions

FOUND = (('left kidney', 0.934, (20, 10, 100, 60)), ('liver', 1.0, (0, 0, 33.4, 100)))


@pytest.mark.parametrize(
    ('form', 'options', 'expected'),
    [
        pytest.param(
            'normalised',
            {},
            'Regions found in the image, as [x1, y1, x2, y2] in fractions of its size, score:\n'
            'left kidney at [0.10, 0.10, 0.50, 0.60], 0.93\n'
            'liver at [0.00, 0.00, 0.17, 1.00], 1.00',
            id='normalised',
        ),
        pytest.param(
            'per_mille',
            {'scores': False},
            'Regions found in the image, as [x1, y1, x2, y2] in thousandths of its size:\n'
            'left kidney at [100, 100, 500, 600]\n'
            'liver at [0, 0, 167, 1000]',
            id='per_mille_without_scores',
        ),
        pytest.param(
            'pixel',
            {'numbered': True},
            'Regions found in the image, as [x1, y1, x2, y2] in pixels (200 x 100), score:\n'
            '[1] left kidney at [20, 10, 100, 60], 0.93\n'
            '[2] liver at [0, 0, 33, 100], 1.00',
            id='pixel_numbered',
        ),
        pytest.param(
            'places',
            {'sides': 'radiological'},
            "Left and right are the patient's: the left of the image is the patient's right. "
            'Regions found in the image, score:\n'
            'left kidney in the middle right of the image, 0.93\n'
            'liver in the middle right of the image, 1.00',
            id='places_say_whose_sides',
        ),
        pytest.param(
            'lung_zones',
            {'sides': 'neurological', 'scores': False},
            "Left and right are the patient's: the left of the image is the patient's left. "
            'Regions found in the image:\n'
            'left kidney in the middle left lung zone\n'
            'liver in the middle left lung zone',
            id='lung_zones',
        ),
    ],
)
def test_text(make_regions, form, options, expected):
    assert describe_regions(make_regions('a', *FOUND), form, **options) == expected


@pytest.mark.parametrize('form', TEXT_FORMS)
def test_no_regions(make_regions, form):
    assert describe_regions(make_regions(), form) == 'No region was found in the image.'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        pytest.param({'form': 'words'}, "form must be one of .* got 'words'", id='form'),
        pytest.param({'sides': 'left'}, "sides must be one of .* got 'left'", id='sides'),
    ],
)
def test_refuses(make_regions, options, message):
    with pytest.raises(ValueError, match=message):
        describe_regions(make_regions('a', *FOUND), **options)
