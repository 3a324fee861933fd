import numpy as np
import pytest

from mmdet_medglip.downstream import ImageRegions

GOOD = {
    'image_id': 'a',
    'height': 8,
    'width': 10,
    'modality': 'ct',
    'labels': ('liver', 'spleen'),
    'boxes': [[0, 0, 10, 8], [2, 3, 6, 7]],
    'scores': [0.5, 1],
}


def test_arrays_become_float32_that_cannot_be_written():
    boxes = np.array(GOOD['boxes'], np.float64)
    regions = ImageRegions(**GOOD | {'boxes': boxes})
    boxes[:] = 0
    assert len(regions) == 2
    assert regions.boxes.dtype == regions.scores.dtype == np.float32
    np.testing.assert_array_equal(regions.boxes, GOOD['boxes'])
    with pytest.raises(ValueError, match='read-only'):
        regions.boxes[0, 0] = 1


def test_no_regions_are_a_value():
    regions = ImageRegions('a', 8, 10, 'ct', (), [], [])
    assert len(regions) == 0
    assert regions.boxes.shape == (0, 4)
    assert regions.scores.shape == (0,)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        pytest.param({'image_id': ' '}, 'image_id must be a non-empty string', id='no_id'),
        pytest.param({'modality': None}, 'modality must be a non-empty string', id='no_modality'),
        pytest.param({'height': 0}, 'height must be a positive integer, got 0', id='no_height'),
        pytest.param({'width': 9.5}, 'width must be a positive integer, got 9.5', id='half_pixel'),
        pytest.param({'labels': 'ab'}, "got the string 'ab'", id='one_string'),
        pytest.param({'labels': ('liver', '')}, "non-empty strings, got ''", id='empty_words'),
        pytest.param({'scores': [0.5]}, r'2 labels need .* and \[1\]', id='a_score_missing'),
        pytest.param({'boxes': [[0, 0, 1, 1]]}, r'got \[1, 4\]', id='a_box_missing'),
        pytest.param({'boxes': [[0, 0, 1], [0, 0, 1]]}, r'got \[2, 3\]', id='three_corners'),
        pytest.param({'boxes': [['x'] * 4] * 2}, 'boxes must be numbers', id='words_for_boxes'),
        pytest.param({'labels': (), 'boxes': [], 'scores': [1]}, '0 labels need', id='lone_score'),
        pytest.param({'boxes': [[0, 0, 9, 8], [3, 3, 3, 7]]}, 'box 1 must', id='empty_box'),
        pytest.param({'boxes': [[0, 0, 9, 8.1], [2, 3, 6, 7]]}, 'box 0 must', id='outside'),
        pytest.param({'boxes': [[0, 0, 9, 8], [2, 3, 6, np.nan]]}, 'box 1 must', id='nan_box'),
        pytest.param({'scores': [0.5, 0]}, r'score 1 must lie in \(0, 1\], got 0', id='score_0'),
        pytest.param({'scores': [1.5, 1]}, 'score 0 must lie', id='score_above_1'),
        pytest.param({'scores': [np.nan, 1]}, 'score 0 must lie', id='nan_score'),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        ImageRegions(**GOOD | changes)
    assert str(caught.value).startswith(f'Regions of image {(GOOD | changes)["image_id"]!r}: ')


def test_take_keeps_the_order_asked_for():
    regions = ImageRegions(**GOOD).take([1, 0])
    assert regions.labels == ('spleen', 'liver')
    assert regions.scores.tolist() == [1, 0.5]
    assert len(ImageRegions(**GOOD).take([])) == 0


def test_scaled_to_another_size():
    regions = ImageRegions(**GOOD).scaled_to('b', height=16, width=5)
    assert (regions.image_id, regions.height, regions.width) == ('b', 16, 5)
    np.testing.assert_array_equal(regions.boxes, [[0, 0, 5, 16], [1, 6, 3, 14]])


def test_a_rounding_beyond_the_image_is_clipped():
    regions = ImageRegions(**GOOD | {'boxes': [[-0.001, 0, 10.001, 8], [2, 3, 6, 7]]})
    np.testing.assert_array_equal(regions.boxes[0], [0, 0, 10, 8])
