"""A child is never above its parent."""

import pytest
import torch

from mmdet_medglip.answers.hierarchy import best_first, inconsistent_pairs, make_consistent

A, NEAR, FAR = [0.0, 0, 10, 10], [0.0, 0, 10, 8], [50.0, 50, 60, 60]  # IoU of A and NEAR: 0.8
ASKED = ('left kidney', 'right kidney', 'kidney', 'ren', 'abdomen', 'liver', 'zebra')
LEFT, RIGHT, KIDNEY, REN, ABDOMEN, LIVER, ZEBRA = range(7)


def rows(found) -> list[tuple[int, float, list[float]]]:
    values = zip(found.labels, found.scores, found.bboxes, strict=True)
    return [(int(a), round(float(b), 4), c.tolist()) for a, b, c in values]


def test_pairs_by_hand(family, boxes):
    found = boxes(
        (LEFT, 0.8, A),  # the kidney there has 0.5, the abdomen 0.9
        (KIDNEY, 0.5, NEAR),  # consistent
        (ABDOMEN, 0.9, A),
        (RIGHT, 0.3, FAR),  # neither kidney nor abdomen there
        (LIVER, 0.3, A),  # its class was not asked, the abdomen is there
        (ZEBRA, 1.0, A),  # nothing lies above it
    )
    assert inconsistent_pairs(found, family(*ASKED)) == 3
    assert inconsistent_pairs(found, family(*ASKED), iou_threshold=0.9) == 3 + 1


def test_any_name_of_the_parent_will_do(family, boxes):
    found = boxes((LEFT, 0.8, A), (REN, 0.8, A), (ABDOMEN, 0.8, A))
    assert inconsistent_pairs(found, family(*ASKED)) == 0


def test_what_was_not_asked_is_not_expected(family, boxes):
    found = boxes((0, 0.8, A))
    assert inconsistent_pairs(found, family('left kidney')) == 0
    assert inconsistent_pairs(found, family('left kidney', ask_above=True)) == 2


def test_raising(family, boxes):
    found = boxes((LEFT, 0.8, A), (KIDNEY, 0.5, NEAR), (ABDOMEN, 0.6, NEAR), (RIGHT, 0.3, FAR))
    assert rows(make_consistent(found, family(*ASKED))) == [
        (LEFT, 0.8, A),
        (KIDNEY, 0.8, NEAR),
        (ABDOMEN, 0.8, NEAR),
        (RIGHT, 0.3, FAR),
        (KIDNEY, 0.3, FAR),
        (ABDOMEN, 0.3, FAR),
    ]
    assert found.scores.tolist() == pytest.approx([0.8, 0.5, 0.6, 0.3]), 'its input stays'


def test_the_parent_box_that_overlaps_most_is_raised(family, boxes):
    wide = [0.0, 0, 10, 13]  # IoU with A: 10/13
    found = boxes((LEFT, 0.8, A), (KIDNEY, 0.5, wide), (KIDNEY, 0.2, NEAR))
    fixed = make_consistent(found, family('left kidney', 'x', 'kidney'))
    assert fixed.scores.tolist() == pytest.approx([0.8, 0.5, 0.8])


def test_children_at_one_place_give_the_parent_one_box(family, boxes):
    found = boxes((LEFT, 0.4, NEAR), (RIGHT, 0.8, A))
    fixed = make_consistent(found, family('left kidney', 'right kidney', 'kidney'))
    assert rows(fixed)[2:] == [(KIDNEY, 0.8, A)]


def test_lowering(family, boxes):
    found = boxes(
        (LEFT, 0.8, A), (KIDNEY, 0.5, NEAR), (ABDOMEN, 0.4, A), (RIGHT, 0.3, FAR), (ZEBRA, 0.9, A)
    )
    assert rows(make_consistent(found, family(*ASKED), 'lower')) == [
        (LEFT, 0.4, A),
        (KIDNEY, 0.4, NEAR),
        (ABDOMEN, 0.4, A),
        (ZEBRA, 0.9, A),
    ]


@pytest.mark.parametrize('way', ['raise', 'lower'])
@pytest.mark.parametrize('least', [0.05, 0.5, 0.6, 0.95, 1.0])
@pytest.mark.parametrize('seed', range(4))
def test_random_boxes_become_consistent_and_stay_so(family, crowd, way, least, seed):
    asked = family(*ASKED, 'kidneys', 'kidney stone', ask_above=bool(seed % 2))
    found = crowd(seed, asked.num_asked, count=60)
    assert inconsistent_pairs(found, asked, least) > 0
    fixed = make_consistent(found, asked, way, least)
    assert inconsistent_pairs(fixed, asked, least) == 0
    again = make_consistent(fixed, asked, way, least)
    assert rows(again) == rows(fixed)
    # The definition, box by box and by another code.
    for label, score, box in rows(fixed):
        for parent in asked.above[:, label].nonzero().flatten().tolist():
            if parent < asked.num_asked and asked.representative[parent] == parent:
                assert any(
                    asked.above[:, label][other]
                    and asked.representative[other] == parent
                    and value >= score
                    and iou(box, place) >= least - 1e-6
                    for other, value, place in rows(fixed)
                )


@pytest.mark.parametrize('seed', range(3))
def test_only_the_guilty_change(family, crowd, seed):
    asked = family(*ASKED)
    found = crowd(seed, asked.num_asked)
    raised = make_consistent(found, asked, 'raise')
    before, after = found.scores, raised.scores[: len(found.scores)]
    leaves = asked.depth[found.labels] == 0
    assert torch.equal(before[leaves], after[leaves])
    assert (after >= before).all()
    assert set(after.tolist()) <= set(before.tolist())
    regions = asked.depth[found.labels] == 2
    lowered = make_consistent(found, asked, 'lower')
    assert torch.equal(before[regions], lowered.scores[asked.depth[lowered.labels] == 2])


@pytest.mark.parametrize('most', [1, 7, 30, 90])
def test_the_best_boxes_alone_are_consistent_too(family, crowd, most):
    asked = family(*ASKED)
    fixed = best_first(make_consistent(crowd(3, asked.num_asked), asked), asked)
    assert fixed.scores.tolist() == sorted(fixed.scores.tolist(), reverse=True)
    assert inconsistent_pairs(fixed[:most], asked) == 0


@pytest.mark.parametrize('way', ['raise', 'lower'])
def test_no_boxes(family, boxes, way):
    fixed = make_consistent(boxes(), family(*ASKED), way)
    assert fixed.bboxes.shape == (0, 4)
    assert inconsistent_pairs(fixed, family(*ASKED)) == 0


def test_further_fields_go_along(family, boxes):
    found = boxes((LEFT, 0.8, A))
    found.marks = torch.tensor([7])
    assert make_consistent(found, family(*ASKED)).marks.tolist() == [7, 7, 7]


def test_unknown_way(family, boxes):
    with pytest.raises(ValueError, match=r"one of .*got 'both'"):
        make_consistent(boxes(), family(*ASKED), 'both')


def iou(one: list[float], other: list[float]) -> float:
    if one == other:
        return 1.0
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return width * height / max(areas - width * height, 1e-9)
