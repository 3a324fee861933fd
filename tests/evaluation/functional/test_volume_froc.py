import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import VolumeDetections, volume_froc

T, FAR = [0, 0, 0, 10, 10, 10], [50, 50, 50, 60, 60, 60]
OTHER = [30, 30, 30, 40, 40, 40]


def volume(answers, truth, crowd=(), asked=(0, 1)):
    return VolumeDetections(
        boxes=np.array([box for *_, box in answers], float).reshape(-1, 6),
        scores=np.array([score for _, score, _ in answers], float),
        labels=np.array([label for label, *_ in answers], int),
        gt_boxes=np.array([box for _, box in truth], float).reshape(-1, 6),
        gt_labels=np.array([label for label, _ in truth], int),
        gt_ignore=np.array([number in crowd for number in range(len(truth))], bool),
        asked=np.array(asked, int),
    )


def test_sensitivity_over_false_boxes_per_volume_by_hand():
    """Four volumes, four truth boxes; found at 0.9 and 0.7, false at 0.8 and 0.6."""
    volumes = [
        volume([(0, 0.9, T), (0, 0.8, FAR)], [(0, T), (0, OTHER)]),
        volume([(1, 0.7, T), (0, 0.6, FAR)], [(1, T)]),
        volume([], [(1, T)]),
        volume([], []),
    ]
    found = volume_froc(volumes, 2).pooled
    assert (found.num_images, found.num_truth) == (4, 4)
    assert found.false_boxes.tolist() == [0, 0, 0.25, 0.25, 0.5]
    assert found.sensitivity.tolist() == [0, 0.25, 0.25, 0.5, 0.5]
    assert found.at([0.25, 0.5, 8]).tolist() == [0.5, 0.5, 0.5]


def test_labels_have_their_own_curves_over_the_volumes_asked_for_them():
    volumes = [
        volume([(0, 0.9, T)], [(0, T)], asked=[0]),
        volume([(1, 0.9, FAR)], [(1, T)], asked=[1]),
    ]
    first, second = volume_froc(volumes, 2).per_label
    assert (first.num_images, first.cpm) == (1, 1)
    assert (second.num_images, second.cpm) == (1, 0)


def test_crowds_do_not_count():
    found = volume_froc([volume([(0, 0.9, T)], [(0, T)], crowd=[0])], 2).pooled
    assert found.num_truth == 0
    assert np.isnan(found.cpm)
    assert found.false_boxes.tolist() == [0]


@pytest.mark.parametrize(
    ('iou', 'cpm'), [pytest.param(0.5, 1, id='enough'), pytest.param(0.51, 0, id='too-little')]
)
def test_overlap_that_is_asked(iou, cpm):
    half = [0, 0, 0, 10, 10, 5]
    found = volume_froc([volume([(0, 0.9, half)], [(0, T)])], 2, iou_threshold=iou)
    assert found.pooled.cpm == cpm
