import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import (
    ImageDetections,
    VolumeDetections,
    average_precision,
    pairwise_iou_3d,
    volume_average_precision,
)
from mmdet_medglip.evaluation.functional.coco_figures import coco_figures
from mmdet_medglip.evaluation.functional.volume_average_precision import VOLUME_IOUS
from mmdet_medglip.evaluation.functional.volume_detections import match_volumes

T = [0, 0, 0, 10, 10, 10]
HALF = [0, 0, 0, 10, 10, 5]
"""IoU 0.5 with T."""
THIRD = [0, 0, 5, 10, 10, 15]
"""IoU 1/3 with T."""
FAR = [50, 50, 50, 60, 60, 60]


def volume(answers=(), truth=(), crowd=(), asked=(0,)):
    """Answers are (label, score, box), truth (label, box)."""
    return VolumeDetections(
        boxes=np.array([box for *_, box in answers], float).reshape(-1, 6),
        scores=np.array([score for _, score, _ in answers], float),
        labels=np.array([label for label, *_ in answers], int),
        gt_boxes=np.array([box for _, box in truth], float).reshape(-1, 6),
        gt_labels=np.array([label for label, _ in truth], int),
        gt_ignore=np.array([number in crowd for number in range(len(truth))], bool),
        asked=np.array(asked, int),
    )


@pytest.mark.parametrize(
    ('box', 'other', 'expected'),
    [
        pytest.param(T, T, 1.0, id='same'),
        pytest.param(T, HALF, 0.5, id='half'),
        pytest.param(T, THIRD, 500 / 1500, id='third'),
        pytest.param(T, [10, 0, 0, 20, 10, 10], 0.0, id='touching'),
        pytest.param([1, 2, 3, 1, 5, 6], [1, 2, 3, 1, 5, 6], 0.0, id='flat'),
        pytest.param([0, 0, 0, 4, 3, 2], [1, 1, 1, 5, 4, 3], 6 / 42, id='corner'),
    ],
)
def test_iou_in_three_dimensions(box, other, expected):
    assert pairwise_iou_3d([box], [other]) == pytest.approx(expected)
    stretched = np.array([2.0, 0.5, 7.0] * 2)
    assert pairwise_iou_3d([box] * stretched, [other] * stretched) == pytest.approx(expected)


def test_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r'`others` of shape \[N, 6\], got \[1, 4\]'):
        pairwise_iou_3d([T], [[0, 0, 1, 1]])


def test_thresholds_are_those_of_nndetection():
    assert VOLUME_IOUS == (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


def test_one_box_counts_up_to_its_overlap():
    found = volume_average_precision([volume([(0, 0.9, THIRD)], [(0, T)])], 2)
    assert found.ap[:, 0].tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert np.isnan(found.ap[:, 1]).all()
    assert (found.at(0.1), found.at(0.5), found.mean) == (1, 0, pytest.approx(5 / 9))
    assert found.num_truth.tolist() == [1, 0]


def test_precision_over_recall_by_hand():
    """Right, false, right of two truth boxes: precision 1 up to recall 1/2, then 2/3."""
    volumes = [
        volume([(0, 0.9, T), (0, 0.8, FAR)], [(0, T)]),
        volume([(0, 0.7, HALF)], [(0, T)]),
    ]
    assert volume_average_precision(volumes, 1).at(0.1) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_truth_is_found_once_and_by_the_surest():
    answers = [(0, 0.9, HALF), (0, 0.8, T)]
    (matched,) = match_volumes([volume(answers, [(0, T)])], 1, [0.1, 0.75])
    assert matched.found.tolist() == [[True, False], [False, True]]


def test_each_detection_takes_the_truth_that_fits_best():
    answers = [(0, 0.9, THIRD)]
    truth = [(0, T), (0, [0, 0, 6, 10, 10, 15])]  # IoU 1/3 and 0.9
    (matched,) = match_volumes([volume(answers, truth)], 1, [0.5])
    assert (matched.found.tolist(), matched.num_truth) == ([[True]], 2)


def test_a_crowd_is_neither_missed_nor_false_to_find_twice():
    answers = [(0, 0.9, T), (0, 0.8, HALF), (0, 0.7, FAR)]
    found = volume_average_precision([volume(answers, [(0, T)], crowd=[0])], 1)
    assert (np.isnan(found.mean), found.num_truth.tolist()) == (True, [0])
    (matched,) = match_volumes([volume(answers, [(0, T)], crowd=[0])], 1, [0.1])
    assert matched.ignored.tolist() == [[True, True, False]]


def test_labels_that_were_not_asked_are_left_out():
    asked_one = volume([(0, 0.9, FAR), (1, 0.9, T)], [(0, T), (1, T)], asked=[1])
    found = volume_average_precision([asked_one], 2)
    assert found.num_truth.tolist() == [0, 1]
    assert found.at(0.1) == 1


def test_no_volumes_and_no_detections():
    assert np.isnan(volume_average_precision([], 1).mean)
    assert volume_average_precision([volume([], [(0, T)])], 1).mean == 0


def random_volumes(seed, depth):
    rng = np.random.default_rng(seed)

    def boxes(count):
        low = rng.uniform(0, 40, (count, 3))
        low[:, 2], high = 0, low + rng.uniform(8, 30, (count, 3))
        high[:, 2] = depth
        return np.concatenate([low, high], axis=1)

    volumes = []
    for _ in range(12):
        truth = boxes(rng.integers(0, 4))
        near = truth + rng.normal(0, 3, truth.shape) * [1, 1, 0, 1, 1, 0]
        found = np.concatenate([near, boxes(3)])
        found[:, 3:5] = np.maximum(found[:, 3:5], found[:, :2] + 1)
        volumes.append(
            volume(
                [(int(rng.integers(2)), float(rng.random()), box) for box in found],
                [(int(rng.integers(2)), box) for box in truth],
                asked=[0, 1],
            )
        )
    return volumes


@pytest.mark.parametrize('seed', range(3))
def test_of_one_slice_it_is_cocos(seed):
    """Boxes of one depth have the IoU of their faces, so pycocotools gives the same AP."""
    volumes = random_volumes(seed, depth=5)
    flat = [0, 1, 3, 4]
    images = [
        ImageDetections(
            v.boxes[:, flat], v.scores, v.labels, v.gt_boxes[:, flat], v.gt_labels, v.gt_ignore,
            v.asked,
        )
        for v in volumes
    ]  # fmt: skip
    ours = volume_average_precision(volumes, 2, thresholds=(0.1, 0.5))
    expected = average_precision(images, 2, backend='pycocotools')
    np.testing.assert_allclose(ours.ap[1], expected.ap50_per_label, atol=1e-12)
    figures = coco_figures(images, 2, backend='pycocotools').means()
    assert ours.at(0.1) == pytest.approx(figures['AP@0.1'], abs=1e-12)
    whole = volume_average_precision(volumes, 2)
    assert whole.mean == pytest.approx(figures['AP@0.1:0.5'], abs=1e-12)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param({'thresholds': [0]}, r'must lie in \(0, 1\], got \[0\]', id='threshold'),
        pytest.param({'max_detections': 0}, 'max_detections must be at least 1', id='none-kept'),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        volume_average_precision([volume()], 1, **change)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        pytest.param(volume([(3, 0.5, T)]), r'`labels` must lie in \[0, 1\), got 3', id='label'),
        pytest.param(volume([(0, np.nan, T)]), 'Volume 0: `scores` must be finite', id='nan'),
    ],
)
def test_bad_volumes_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        volume_average_precision([given], 1)
    with pytest.raises(ValueError, match='threshold must be one of'):
        volume_average_precision([], 1).at(0.7)
