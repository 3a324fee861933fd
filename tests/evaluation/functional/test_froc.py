import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import froc

from ..images import image

A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [80, 80, 90, 90]


def test_curve_by_hand():
    images = [
        image([(0, 0.9, A), (0, 0.5, B)], [(0, A), (0, B)]),
        image([(0, 0.8, FAR), (0, 0.4, FAR)], []),
        image([], [(0, A)]),
        image([(0, 0.8, FAR)], [(0, B)]),
    ]
    curve = froc(images, 2).per_label[0]
    # From the top: a hit at 0.9; two false boxes together at 0.8; a hit at 0.5; a false at 0.4.
    assert curve.threshold == pytest.approx([np.inf, 0.9, 0.8, 0.5, 0.4])
    assert curve.sensitivity.tolist() == [0, 0.25, 0.25, 0.5, 0.5]
    assert curve.false_boxes.tolist() == [0, 0, 0.5, 0.5, 0.75]
    # Linear from (0, 0.25) over (0.5, 0.25) to (0.5, 0.5): at 0.5 the better one counts.
    read = [0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert curve.at().tolist() == read
    assert curve.cpm == pytest.approx(np.mean(read))
    assert (curve.num_images, curve.num_truth) == (4, 4)


def test_between_two_thresholds_the_curve_is_linear():
    images = [
        image([(0, 0.9, A), (0, 0.8, FAR), (0, 0.8, B)], [(0, A), (0, B)]),
        *[image()] * 3,
    ]
    # From (0, 0.5) to (0.25, 1): half-way at 1/8.
    assert froc(images, 2).per_label[0].at([0.125, 0.25, 1]).tolist() == [0.75, 1, 1]


def test_labels_count_where_they_were_asked_and_pool_over_all_images():
    images = [
        image([(0, 0.9, A), (1, 0.9, A)], [(0, A)]),
        image([(0, 0.8, FAR)], [(0, A)], asked=[0]),
        image([], [], asked=[]),
    ]
    found = froc(images, 2)
    assert [curve.num_images for curve in found.per_label] == [2, 1]
    assert found.pooled.num_images == 2
    assert found.per_label[0].false_boxes[-1] == 0.5
    assert found.pooled.false_boxes[-1] == 1, 'label 1 has a false box, though label 0 is there'
    assert found.pooled.sensitivity[-1] == 0.5
    assert np.isnan(found.per_label[1].cpm)


@pytest.mark.parametrize(('iou', 'sensitivity'), [(0.1, 1.0), (0.5, 0.0)])
def test_overlap_that_finds(iou, sensitivity):
    images = [image([(0, 0.9, [0, 0, 10, 2])], [(0, A)])]
    assert froc(images, 2, iou_threshold=iou).pooled.at([8])[0] == sensitivity


def test_boxes_in_a_crowd_are_neither_right_nor_false():
    images = [image([(0, 0.9, [42, 42, 50, 50]), (0, 0.5, A)], [(0, A), (0, B)], crowd=[1])]
    curve = froc(images, 2).pooled
    assert (curve.sensitivity[-1], curve.false_boxes[-1], curve.num_truth) == (1, 0, 1)


def test_nothing_is_nan():
    for images in ([], [image([(0, 0.9, A)])]):
        assert np.isnan(froc(images, 2).pooled.at()).all()
    assert np.isnan(froc([], 0).pooled.cpm)


def test_threshold_must_be_an_overlap():
    with pytest.raises(ValueError, match=r'iou_threshold` in \(0, 1\], got 0'):
        froc([], 2, iou_threshold=0)
