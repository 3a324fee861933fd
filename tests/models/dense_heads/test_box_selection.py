"""Which places become boxes: the best pairs of each level, and suppression that stops early."""

import pytest
import torch
from mmcv.ops import batched_nms

from mmdet_medglip.models.dense_heads.box_selection import best_pairs, suppress_doubles

NMS = dict(type='nms', iou_threshold=0.5)

# Two images, levels of two places and one, two phrases.
SCORES = torch.tensor(
    [
        [[0.9, 0.2], [0.8, 0.7], [0.3, 0.1]],
        [[0.1, 0.6], [0.1, 0.1], [0.1, 0.4]],
    ]
)


@pytest.mark.parametrize(
    ('threshold', 'most', 'expected'),
    [
        pytest.param(
            0.15,
            -1,
            [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 2, 0), (1, 0, 1), (1, 2, 1)],
            id='all-above-the-threshold',
        ),
        pytest.param(
            0.15, 1, [(0, 0, 0), (0, 2, 0), (1, 0, 1), (1, 2, 1)], id='one-of-each-level-and-image'
        ),
        pytest.param(
            0.15, 2, [(0, 0, 0), (0, 1, 0), (0, 2, 0), (1, 0, 1), (1, 2, 1)], id='best-two'
        ),
        pytest.param(0.9, 2, [], id='equal-to-the-threshold-is-not-above'),
        pytest.param(0.15, 0, [], id='none-wanted'),
    ],
)
def test_best_pairs(threshold, most, expected):
    pairs = best_pairs(SCORES.split([2, 1], dim=1), threshold, most)
    found = list(zip(*(x.tolist() for x in (pairs.image, pairs.place, pairs.phrase)), strict=True))
    assert sorted(found) == expected
    assert [image for image, _, _ in found] == sorted(image for image, _, _ in found)
    assert torch.equal(pairs.score, SCORES[pairs.image, pairs.place, pairs.phrase])


def crowd(count: int, spread: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Boxes of three labels; the smaller the spread, the more of them overlap."""
    generator = torch.Generator().manual_seed(count)
    corner = torch.rand(count, 2, generator=generator) * spread
    size = 5 + 10 * torch.rand(count, 2, generator=generator)
    return (
        torch.cat([corner, corner + size], dim=1),
        torch.rand(count, generator=generator),
        torch.randint(3, (count,), generator=generator),
    )


@pytest.mark.parametrize(
    ('count', 'spread', 'most'),
    [
        pytest.param(300, 200.0, 5, id='first-look-is-enough'),
        pytest.param(300, 12.0, 30, id='many-doubles-need-a-second-look'),
        pytest.param(300, 1.0, 100, id='fewer-boxes-than-wanted'),
        pytest.param(3, 200.0, 100, id='few-boxes'),
        pytest.param(1, 200.0, 0, id='none-wanted'),
    ],
)
def test_suppression_that_stops_early_keeps_what_comparing_all_keeps(count, spread, most):
    boxes, scores, labels = crowd(count, spread)
    found, kept = batched_nms(boxes, scores, labels, NMS)
    result = suppress_doubles(boxes, scores, labels, NMS, most)
    assert torch.equal(result[0], boxes[kept[:most]])
    assert torch.equal(result[1], found[:most, 4])
    assert torch.equal(result[2], labels[kept[:most]])


def test_a_double_is_dropped_for_its_own_label_alone():
    # Inner 10 x 8 in outer 10 x 10: IoU 0.8.
    boxes = torch.tensor([[0.0, 0, 10, 8], [0, 0, 10, 10], [0, 0, 10, 10]])
    found = suppress_doubles(
        boxes, torch.tensor([0.7, 0.9, 0.8]), torch.tensor([4, 4, 5]), NMS, most=10
    )
    assert found[0].tolist() == [[0, 0, 10, 10], [0, 0, 10, 10]]
    assert found[1].tolist() == pytest.approx([0.9, 0.8])
    assert found[2].tolist() == [4, 5]


def test_soft_suppression_compares_all_boxes():
    boxes, scores, labels = crowd(40, 12.0)
    soft = dict(type='soft_nms', iou_threshold=0.3, min_score=0.0)
    found, kept = batched_nms(boxes, scores, labels, soft)
    result = suppress_doubles(boxes, scores, labels, soft, most=2)
    assert torch.equal(result[0], boxes[kept[:2]])
    assert torch.equal(result[1], found[:2, 4])


def test_no_boxes_give_none():
    found = suppress_doubles(
        torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.long), NMS, most=5
    )
    assert [tuple(value.shape) for value in found] == [(0, 4), (0,), (0,)]
