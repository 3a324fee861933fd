import pytest
import torch

from mmdet_medglip.export.suppression import surviving_scores

BOXES = torch.tensor(
    [
        [[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 4], [30, 0, 40, 10]],
        [[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8], [0, 0, 10, 7]],
    ]
)
SCORES = torch.tensor([[0.5, 0.75, 0.25, 0.0], [0.25, 0.5, 0.75, 1.0]])


@pytest.mark.parametrize(
    ('threshold', 'limit', 'expected'),
    [
        # Of the first image, boxes 0 and 1 overlap by exactly one half, which is not more.
        pytest.param(0.5, 9, [[0.5, 0.75, 0, 0], [0, 0, 0, 1]], id='half'),
        pytest.param(0.45, 9, [[0, 0.75, 0, 0], [0, 0, 0, 1]], id='less'),
        pytest.param(0.95, 2, [[0.5, 0.75, 0, 0], [0, 0, 0.75, 1]], id='limit'),
    ],
)
def test_scores_of_dropped_boxes_are_zero(threshold, limit, expected):
    assert surviving_scores(BOXES, SCORES, threshold, limit).tolist() == expected


def test_nothing_to_keep():
    assert not surviving_scores(BOXES, torch.zeros(2, 4), 0.5, 9).any()
    assert surviving_scores(BOXES[:, :0], SCORES[:, :0], 0.5, 9).shape == (2, 0)


def test_operator_keeps_what_it_declares():
    torch.library.opcheck(surviving_scores, (BOXES, SCORES, 0.5, 9))
