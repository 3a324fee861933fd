import numpy as np
import pytest

from mmdet_medglip.evaluation.functional import MISS, judge_phrase, phrase_figures, set_f1

A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [80, 80, 90, 90]


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def judge(found=(), truth=(), **kwargs):
    """Found is (score, box)."""
    scores = np.array([score for score, _ in found], np.float32)
    return judge_phrase(boxes(*(box for _, box in found)), scores, boxes(*truth), **kwargs)


def test_one_phrase_by_hand():
    # Best box has IoU 0.4 with A, the second is A; one more below the threshold.
    one = judge([(0.35, A), (0.9, [0, 0, 10, 4]), (0.2, FAR)], [A])
    assert (one.rank, one.merged_rank, one.num_truth) == (2, 2, 1)
    assert one.top_iou == pytest.approx(0.4)
    # Region from the scores .1 and .2 on: A and FAR, 100 / 200; .3: A; .4 and .5: 0.4 of A.
    assert one.union == pytest.approx((0.5 + 0.5 + 1 + 0.4 + 0.4) / 5)
    assert one.pointed
    # Two answered boxes, one of them right: precision 1/2, recall 1.
    assert one.f1 == pytest.approx(2 / 3)
    assert one.answered


def test_merged_truth_is_the_box_around():
    # Around A and B: 30 x 10. A box of it hits no single one (IoU 1/3) but the merged box.
    one = judge([(0.9, [0, 0, 30, 10])], [A, B])
    assert (one.rank, one.merged_rank) == (MISS, 1)
    assert not one.pointed, 'the centre lies between the two'
    assert one.union == pytest.approx(2 / 3)
    other = judge([(0.9, A)], [A, B])
    assert (other.rank, other.merged_rank, other.num_truth) == (1, MISS, 2)


@pytest.mark.parametrize(
    ('centre', 'pointed'),
    [pytest.param(0, True, id='on-the-left-edge'), pytest.param(10, False, id='on-the-right')],
)
def test_boxes_are_half_open_for_pointing(centre, pointed):
    assert judge([(0.9, [centre - 2, 4, centre + 2, 6])], [A]).pointed is pointed


@pytest.mark.parametrize(
    ('found', 'truth', 'expected'),
    [
        pytest.param([], [], 1.0, id='nothing-and-nothing'),
        pytest.param([A], [], 0.0, id='box-for-nothing'),
        pytest.param([], [A], 0.0, id='no-box'),
        pytest.param([A, B], [A, B], 1.0, id='all'),
        pytest.param([A, A], [A], 2 / 3, id='a-double-is-false'),
        pytest.param([A], [A, B], 2 / 3, id='one-of-two'),
        # The first box overlaps both, A better with its twin: one to one, best pair first.
        pytest.param([[0, 0, 10, 8], A], [A, [0, 0, 10, 6]], 1.0, id='best-pair-first'),
    ],
)
def test_f1_of_sets(found, truth, expected):
    assert set_f1(boxes(*found), boxes(*truth)) == pytest.approx(expected)


def test_means_by_hand():
    judged = [
        judge([(0.9, A)], [A]),
        judge([(0.9, FAR), (0.5, A)], [A, B]),
        judge([(0.2, FAR)], [A]),
        judge([], []),
        judge([(0.4, A)], []),
    ]
    found = phrase_figures(judged, topk=(1, 5))
    expected = {
        'Acc@0.5': 1 / 2,  # of the two with one box
        'Recall@1': 1 / 3,
        'Recall@5': 2 / 3,
        'Recall@1_merged': 1 / 3,
        'Recall@5_merged': 1 / 3,  # A against the box around A and B: 1/3
        'mIoU_top1': 1 / 2,
        # 1; FAR and A against A and B: 100 / 300; 0.
        'mIoU_union': (1 + 1 / 3 + 0) / 3,
        'pointing': 1 / 3,
        # 1; two boxes, one right of two: 2 / 4; no answer.
        'SetF1_present@0.5': (1 + 0.5 + 0) / 3,
        'SetF1@0.5': (1 + 0.5 + 0 + 1 + 0) / 5,
        'SetExact@0.5': 2 / 5,
        'T-acc': 2 / 3,
        'N-acc': 1 / 2,
    }
    assert found == pytest.approx(expected)


def test_no_phrases_is_nan():
    assert all(np.isnan(value) for value in phrase_figures([]).values())


def test_settings_name_the_figures_and_are_checked():
    one = judge([(0.5, [0, 0, 10, 6])], [A], score_threshold=0.6, iou_threshold=0.75)
    assert (one.rank, one.answered) == (MISS, False)
    assert {'Acc@0.75', 'Recall@3'} <= set(phrase_figures([one], topk=(3,), iou_threshold=0.75))
    with pytest.raises(ValueError, match='iou_threshold'):
        judge([], [], iou_threshold=0)
    with pytest.raises(ValueError, match='one score per box'):
        judge_phrase(boxes(A), np.empty(0), boxes(A))
