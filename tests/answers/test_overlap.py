import torch

from mmdet_medglip.answers.overlap import overlaps


def test_values_by_hand():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 0, 0]])
    others = torch.tensor([[0.0, 0, 10, 5], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]])
    # 50 of 100; 50 of 150; apart; an empty box overlaps its copy alone.
    expected = torch.tensor([[0.5, 1 / 3, 0, 0], [0, 0, 0, 1]])
    torch.testing.assert_close(overlaps(boxes, others), expected)


def test_no_boxes():
    assert overlaps(torch.zeros(0, 4), torch.zeros(3, 4)).shape == (0, 3)
    assert overlaps(torch.zeros(2, 4), torch.zeros(0, 4)).shape == (2, 0)
