"""Who drops whom at one place."""

import pytest
from mmcv.ops import batched_nms

from mmdet_medglip.answers.hierarchy import drop_doubles, drop_nested, drop_rivals

A, NEAR, FAR = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]  # IoU of A and NEAR: 0.8
ASKED = ('left kidney', 'right kidney', 'kidney', 'ren', 'abdomen', 'zebra')
LEFT, RIGHT, KIDNEY, REN, ABDOMEN, ZEBRA = range(6)


def rows(found) -> list[tuple[int, float]]:
    return [(int(a), round(float(b), 4)) for a, b in zip(found.labels, found.scores, strict=True)]


def test_synonyms_are_one_answer(family, boxes):
    found = boxes((KIDNEY, 0.5, A), (REN, 0.6, NEAR), (REN, 0.4, FAR), (LEFT, 0.3, A))
    assert rows(drop_doubles(found, family(*ASKED), 0.6)) == [(REN, 0.6), (REN, 0.4), (LEFT, 0.3)]


def test_without_synonyms_it_is_nms_by_label(family, crowd):
    asked = family('left kidney', 'kidney', 'zebra')
    found = crowd(1, 3)
    _, kept = batched_nms(
        found.bboxes, found.scores, found.labels, dict(type='nms', iou_threshold=0.5)
    )
    assert rows(drop_doubles(found, asked, 0.5)) == rows(found[kept])


@pytest.mark.parametrize(
    ('threshold', 'expected'),
    [
        pytest.param(0.6, [(LEFT, 0.7), (KIDNEY, 0.5), (RIGHT, 0.4)], id='one-place'),
        pytest.param(
            0.9, [(LEFT, 0.7), (RIGHT, 0.6), (KIDNEY, 0.5), (RIGHT, 0.4)], id='two-places'
        ),
    ],
)
def test_of_left_and_right_the_best_stays(family, boxes, threshold, expected):
    found = boxes((RIGHT, 0.4, FAR), (RIGHT, 0.6, NEAR), (LEFT, 0.7, A), (KIDNEY, 0.5, A))
    assert rows(drop_rivals(found, family(*ASKED), 'sides', threshold)) == expected


def test_a_box_that_was_dropped_drops_no_other(family, boxes):
    one, two, three = [0.0, 0, 10, 10], [0.0, 3, 10, 13], [0.0, 6, 10, 16]  # IoU 7/13, 4/16
    found = boxes((LEFT, 0.9, one), (RIGHT, 0.8, two), (LEFT, 0.7, three))
    assert rows(drop_rivals(found, family(*ASKED), 'sides', 0.5)) == [(LEFT, 0.9), (LEFT, 0.7)]


@pytest.mark.parametrize(
    ('keep', 'expected'),
    [
        pytest.param(
            'finest',
            [(ZEBRA, 0.9), (KIDNEY, 0.5), (RIGHT, 0.4), (LEFT, 0.3)],
            id='finest',
        ),
        pytest.param('best', [(ZEBRA, 0.9), (ABDOMEN, 0.8), (KIDNEY, 0.5)], id='best'),
    ],
)
def test_nested(family, boxes, keep, expected):
    found = boxes(
        (LEFT, 0.3, A),
        (RIGHT, 0.4, A),  # no rival here: only parents and children are looked at
        (KIDNEY, 0.35, NEAR),
        (ABDOMEN, 0.8, A),
        (KIDNEY, 0.5, FAR),
        (ZEBRA, 0.9, A),
    )
    assert rows(drop_nested(found, family(*ASKED), keep, 0.6)) == expected


def test_of_equal_scores_the_finer_stays(family, boxes):
    found = boxes((KIDNEY, 0.5, A), (LEFT, 0.5, A))
    assert rows(drop_nested(found, family(*ASKED), 'best', 0.6)) == [(LEFT, 0.5)]


@pytest.mark.parametrize('keep', ['finest', 'best'])
@pytest.mark.parametrize('seed', range(3))
def test_of_parent_and_child_at_one_place_one_is_left(family, crowd, keep, seed):
    asked = family(*ASKED)
    left = drop_nested(crowd(seed, 6), asked, keep, 0.5)
    again = drop_nested(left, asked, keep, 0.5)
    assert 0 < len(left) < 120
    assert rows(again) == rows(left)


def test_no_boxes(family, boxes):
    asked = family(*ASKED)
    assert len(drop_doubles(boxes(), asked, 0.6)) == 0
    assert len(drop_rivals(boxes(), asked, 'siblings', 0.6)) == 0
    assert len(drop_nested(boxes(), asked, 'finest', 0.6)) == 0


def test_unknown_choice(family, boxes):
    with pytest.raises(ValueError, match=r"nested must be one of .*got 'all'"):
        drop_nested(boxes(), family('liver'), 'all', 0.6)
