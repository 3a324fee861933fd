"""Regions as tokens."""

import torch

from mmdet_medglip.downstream.small.image_tokens import ImageTokens, sine_position
from mmdet_medglip.downstream.small.region_tokens import RegionTokens, box_geometry


def test_geometry_is_relative_to_the_image():
    box = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
    found = box_geometry(box, 100, 200)
    assert torch.allclose(found, box_geometry(2 * box, 200, 400))
    assert torch.allclose(found[0, :8], torch.tensor([0.05, 0.2, 0.15, 0.6, 0.1, 0.4, 0.1, 0.4]))
    assert torch.isclose(found[0, 8], torch.tensor(0.2))  # root of 0.1 * 0.4


def test_images_without_regions_have_no_token_that_counts():
    tokens = RegionTokens(16)
    words, boxes = torch.randn(2, 16), torch.tensor([[0.0, 0, 5, 5], [2.0, 2, 9, 9]])
    none = torch.zeros(0, 16), torch.zeros(0, 4), torch.zeros(0)
    found, mask = tokens(
        [words, none[0]], [boxes, none[1]], [torch.tensor([1.0, 0.5]), none[2]], [(10, 10)] * 2
    )
    assert found.shape == (2, 2, 16)
    assert mask.tolist() == [[True, True], [False, False]]
    empty, nothing = tokens([none[0]], [none[1]], [none[2]], [(10, 10)])
    assert empty.shape == (1, 1, 16) and not nothing.any()


def test_words_place_and_score_all_count():
    torch.manual_seed(0)
    tokens = RegionTokens(16)
    words, box, score = torch.randn(1, 16), torch.tensor([[1.0, 1, 4, 4]]), torch.tensor([0.5])

    def token(words=words, box=box, score=score):
        return tokens([words], [box], [score], [(10, 10)])[0]

    plain = token()
    assert not torch.allclose(plain, token(words=-words), atol=1e-3)
    assert not torch.allclose(plain, token(box=box + 3), atol=1e-3)
    assert not torch.allclose(plain, token(score=score / 2), atol=1e-3)


def test_cells_of_a_map_know_their_place():
    place = sine_position(2, 3, 8, torch.device('cpu'))
    assert place.shape == (6, 8)
    assert torch.allclose(place[0, :4], place[1, :4])  # of one row
    assert torch.allclose(place[0, 4:], place[3, 4:])  # of one column
    assert not torch.allclose(place[0], place[1])


def test_image_tokens_go_level_by_level():
    tokens = ImageTokens([4, 8], 16)
    found = tokens([torch.randn(2, 4, 4, 4), torch.randn(2, 8, 2, 2)])
    assert found.shape == (2, 16 + 4, 16)
