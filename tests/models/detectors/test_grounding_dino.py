import pytest
import torch
from mmdet.models.layers.transformer.utils import coordinate_to_encoding

from mmdet_medglip.models.detectors.grounding_dino import own_frequencies


@pytest.mark.parametrize('step', [1, 2, 4])
def test_fewer_frequencies_are_some_of_the_more(step):
    boxes = torch.rand(2, 5, 4, generator=torch.Generator().manual_seed(0))
    many = coordinate_to_encoding(boxes, num_feats=64)
    few = coordinate_to_encoding(boxes, num_feats=64 // step)
    torch.testing.assert_close(own_frequencies(many, few.shape[-1]), few)


def test_a_width_that_is_no_part_is_an_error():
    with pytest.raises(ValueError, match='embed_dims=256'):
        own_frequencies(torch.zeros(1, 2, 512), 96)
