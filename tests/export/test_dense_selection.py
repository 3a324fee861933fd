import pytest
import torch

from mmdet_medglip.export.dense_selection import Selection, top_boxes, top_pairs

HOW = Selection(
    score_thr=0.0,
    nms_pre=10,
    min_size=0.0,
    iou_threshold=0.5,
    class_agnostic=False,
    max_per_img=4,
)
NMS = dict(type='nms', iou_threshold=0.6)


@pytest.mark.parametrize(
    ('scores', 'threshold', 'expected'),
    [
        pytest.param(
            [[0.5, 0.125], [0.25, 0.75]],
            0.0,
            ([0.75, 0.5, 0.25], [1, 0, 1], [1, 0, 0]),
            id='best-three',
        ),
        pytest.param(
            [[0.5, 0.125], [0.25, 0.75]],
            0.5,
            ([0.75, 0.0, 0.0], [1, 0, 0], [1, 0, 0]),
            id='above-not-at-the-threshold',
        ),
        pytest.param([[0.5]], 0.0, ([0.5, 0.0, 0.0], [0, 0, 0], [0, 0, 0]), id='fewer-than-rows'),
    ],
)
def test_top_pairs(scores, threshold, expected):
    found = top_pairs(torch.tensor([scores]), threshold, count=3)
    assert [part[0].tolist() for part in found] == list(expected)


def test_no_place_gives_empty_rows():
    scores, places, labels = top_pairs(torch.zeros(2, 0, 3), 0.0, count=2)
    assert not scores.any()
    assert places.shape == labels.shape == (2, 2)


def test_top_boxes_of_two_images():
    boxes = torch.tensor(
        [
            [[0.0, 0, 9, 9], [0, 0, 9, 8], [0, 0, 9, 8], [20, 5, 40, 30]],
            [[5.0, 5, 5, 9], [1, 1, 3, 3], [-4, -4, 90, 90], [0, 0, 9, 9]],
        ]
    )
    scores = torch.tensor([[0.5, 0.75, 0.25, 0.625], [0.9, 0.5, 0.25, 0.0]])
    labels = torch.tensor([[0, 0, 1, 0], [0, 0, 0, 1]])
    sizes = torch.tensor([[20, 30], [10, 16]])
    boxes, scores, labels = top_boxes(boxes, scores, labels, sizes, HOW)
    # Boxes end a pixel later, half open; the first image is 30 wide and 20 high.
    assert boxes[0].tolist() == [[0, 0, 10, 9], [20, 5, 30, 20], [0, 0, 10, 9], [0, 0, 0, 0]]
    assert scores[0].tolist() == [0.75, 0.625, 0.25, 0]
    assert labels[0].tolist() == [0, 0, 1, -1]
    # A box of no width is dropped, and one with score 0 was never there.
    assert boxes[1].tolist() == [[1, 1, 4, 4], [0, 0, 16, 10], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert labels[1].tolist() == [0, 0, -1, -1]


def test_phrases_drop_each_other_if_asked_to():
    how = Selection(0.0, 10, 0.0, 0.5, class_agnostic=True, max_per_img=2)
    boxes = torch.tensor([[[0.0, 0, 9, 9], [0, 0, 9, 8]]])
    found = top_boxes(
        boxes, torch.tensor([[0.5, 0.75]]), torch.tensor([[0, 1]]), torch.tensor([[20, 20]]), how
    )
    assert found[2].tolist() == [[1, -1]]


def test_selection_reads_a_test_cfg():
    test_cfg = dict(nms_pre=100, min_bbox_size=2, score_thr=0.05, nms=NMS, max_per_img=7)
    assert Selection.from_test_cfg(test_cfg) == Selection(0.05, 100, 2.0, 0.6, False, 7)


def test_what_a_test_cfg_may_leave_out():
    found = Selection.from_test_cfg(dict(nms_pre=1, nms=dict(iou_threshold=0.5), max_per_img=1))
    assert (found.score_thr, found.min_size, found.class_agnostic) == (0.0, -1.0, False)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        pytest.param(dict(nms_pre=-1), r'nms_pre=-1; .*1 or more', id='all-pairs'),
        pytest.param(dict(max_per_img=0), r'max_per_img=0; .*1 or more', id='no-boxes'),
        pytest.param(dict(nms=NMS | dict(type='soft_nms')), "expected dict.type='nms'", id='soft'),
        pytest.param(dict(nms=NMS | dict(max_num=9)), 'max_num.* cannot be exported', id='option'),
    ],
)
def test_what_cannot_be_a_graph(change, message):
    test_cfg = dict(nms_pre=100, nms=NMS, max_per_img=7) | change
    with pytest.raises(ValueError, match=message):
        Selection.from_test_cfg(test_cfg)
