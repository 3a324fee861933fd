import torch

from mmdet_medglip.models.language_models import pad_rows


def test_rows_of_features_are_padded_behind():
    rows = [torch.ones(1, 2), torch.full((3, 2), 2.0)]
    padded, mask = pad_rows(rows, value=-1)
    assert padded[0].tolist() == [[1, 1], [-1, -1], [-1, -1]]
    assert torch.equal(padded[1], rows[1])
    assert mask.tolist() == [[True, False, False], [True, True, True]]


def test_gradients_reach_the_rows():
    row = torch.ones(2, 1, requires_grad=True)
    padded, _ = pad_rows([row, torch.ones(3, 1)])
    padded.sum().backward()
    assert row.grad.tolist() == [[1], [1]]
