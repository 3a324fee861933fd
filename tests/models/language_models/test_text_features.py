import torch

from mmdet_medglip.models.language_models import TextFeatures


def test_rows_are_cut_to_the_longest_of_them():
    hidden = torch.arange(12.0).view(3, 4, 1)
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, False, False, False]])
    maps = tuple(torch.eye(4, dtype=torch.bool)[:n] for n in (4, 2, 1))
    text = TextFeatures(hidden, mask, maps).of_rows([2, 1, 1])
    assert text.hidden[..., 0].tolist() == [[8, 9], [4, 5], [4, 5]]
    assert text.mask.tolist() == [[True, False], [True, True], [True, True]]
    assert [m.int().tolist() for m in text.token_maps] == [
        [[1, 0]],
        [[1, 0], [0, 1]],
        [[1, 0], [0, 1]],
    ]


def test_a_phrase_scores_the_mean_of_its_tokens():
    owned = torch.tensor([[True, False, False], [False, True, True]])
    text = TextFeatures(torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.bool), (owned,))
    assert [share.tolist() for share in text.shares()] == [[[1, 0, 0], [0, 0.5, 0.5]]]
