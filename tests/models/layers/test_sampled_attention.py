"""Multi-scale deformable attention against mmcv's, values and gradients."""

import pytest
import torch
from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

from mmdet_medglip.models.layers import sampled_attention

SIZES = [(5, 7), (3, 4), (1, 2)]


def arguments(batch: int = 2, queries: int = 6, spread: float = 1.6) -> list[torch.Tensor]:
    """value, locations and weights in double precision; some locations are outside."""
    torch.manual_seed(0)
    pixels = sum(height * width for height, width in SIZES)
    return [
        torch.randn(batch, pixels, 4, 3).double(),
        (torch.rand(batch, queries, 4, 3, 2, 2).double() - 0.5) * spread + 0.5,
        torch.rand(batch, queries, 4, 3, 2).double(),
    ]


def values_and_gradients(function, tensors: list) -> list[torch.Tensor]:
    leaves = [t.clone().requires_grad_() for t in tensors]
    out = function(*leaves)
    (out**3).sum().backward()
    return [out.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize(
    'changes',
    [
        pytest.param({}, id='batch-2'),
        pytest.param({'batch': 1, 'queries': 1}, id='one-query'),
        pytest.param({'spread': 20.0}, id='far-outside'),
    ],
)
def test_values_and_gradients_equal_mmcv(changes):
    tensors = arguments(**changes)
    ours = values_and_gradients(lambda v, at, w: sampled_attention(v, SIZES, at, w), tensors)
    theirs = values_and_gradients(
        lambda v, at, w: multi_scale_deformable_attn_pytorch(v, SIZES, at, w), tensors
    )
    for name, mine, other in zip(('out', 'value', 'at', 'weight'), ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, msg=lambda text, n=name: f'{n}: {text}')


def test_one_sample_by_hand():
    # A map of 1 x 2 pixels, 10 and 20; x = 0.5 is half way between their centres.
    value = torch.tensor([10.0, 20.0]).view(1, 2, 1, 1)
    at = torch.tensor([0.5, 0.5]).view(1, 1, 1, 1, 1, 2)
    out = sampled_attention(value, [(1, 2)], at, torch.full((1, 1, 1, 1, 1), 2.0))
    assert out.item() == 2 * (0.5 * 10 + 0.5 * 20)


def test_sizes_must_add_up():
    with pytest.raises(ValueError, match=r'have 35 pixels, but value has 49'):
        value, at, weights = arguments()
        sampled_attention(value, SIZES[:1], at[:, :, :, :1], weights[:, :, :, :1])
