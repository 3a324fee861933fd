"""Stock layers and detectors give the same with and without their fast classes."""

import copy
import pickle

import pytest
import torch
from mmcv.ops import (
    DeformConv2d,
    DeformConv2dPack,
    ModulatedDeformConv2d,
    ModulatedDeformConv2dPack,
    MultiScaleDeformableAttention,
)
from mmdet.models.necks import DyHead
from mmdet.models.utils.vlfuse_helper import BiMultiHeadAttention
from torch import nn

import mmdet_medglip
from mmdet_medglip.acceleration import ACCELERATED, accelerate, restore


def spread(module: nn.Module) -> nn.Module:
    """Random weights, so that offsets and weights differ from place to place; no dropout."""
    torch.manual_seed(1)
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.2)
    return module.double().eval()


def pyramid(channels: int = 32) -> list[torch.Tensor]:
    torch.manual_seed(2)
    return [torch.randn(2, channels, 2 * n, 3 * n).double() for n in (4, 2, 1)]


def attention_inputs(boxes: bool, batch_first: bool = True) -> dict:
    torch.manual_seed(3)
    shapes = torch.tensor([[6, 8], [3, 4], [2, 2], [1, 1]])
    pixels = int(shapes.prod(1).sum())
    inputs = dict(
        query=torch.randn(2, 5, 32).double(),
        query_pos=torch.randn(2, 5, 32).double(),
        value=torch.randn(2, pixels, 32).double(),
    )
    if not batch_first:
        inputs = {name: tensor.transpose(0, 1) for name, tensor in inputs.items()}
    return inputs | dict(
        reference_points=torch.rand(2, 5, 4, 4 if boxes else 2).double(),
        spatial_shapes=shapes,
        level_start_index=torch.tensor([0, 48, 60, 64]),
        key_padding_mask=torch.rand(2, pixels) > 0.8,
    )


def deform_inputs() -> list[torch.Tensor]:
    torch.manual_seed(4)
    return [
        torch.randn(2, 4, 9, 8).double(),
        torch.randn(2, 36, 5, 4).double(),
        torch.rand(2, 18, 5, 4).double(),
    ]


def fusion_inputs(mask: str) -> dict:
    torch.manual_seed(5)
    real = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    padded = torch.tensor([[False] * 6 + [True] * 3, [False] * 9])
    return dict(
        vision=torch.randn(2, 9, 16).double(),
        lang=torch.randn(2, 4, 12).double(),
        attention_mask_v=padded if mask == 'bool' else None,
        attention_mask_l={'int': real, 'bool': real == 0, 'none': None}[mask],
    )


LAYERS = [
    pytest.param(
        lambda: BiMultiHeadAttention(16, 12, 32, 4, 0.0),
        lambda m: m(**fusion_inputs('int'))[0],
        id='glip-fusion-image',
    ),
    pytest.param(
        lambda: BiMultiHeadAttention(16, 12, 32, 4, 0.0),
        lambda m: m(**fusion_inputs('int'))[1][:, :3],
        id='glip-fusion-text',
    ),
    pytest.param(
        lambda: BiMultiHeadAttention(16, 12, 32, 4, 0.0),
        lambda m: torch.cat([x.flatten() for x in m(**fusion_inputs('bool'))]),
        id='grounding-dino-fusion',
    ),
    pytest.param(
        lambda: BiMultiHeadAttention(16, 12, 32, 4, 0.0),
        lambda m: torch.cat([x.flatten() for x in m(**fusion_inputs('none'))]),
        id='fusion-without-masks',
    ),
    pytest.param(
        lambda: ModulatedDeformConv2d(4, 3, 3, stride=2, padding=1),
        lambda m: m(deform_inputs()[0], deform_inputs()[1][:, :18], deform_inputs()[2][:, :9]),
        id='deform-conv',
    ),
    pytest.param(
        lambda: ModulatedDeformConv2d(4, 4, 3, stride=2, padding=1, groups=2, deform_groups=2),
        lambda m: m(*deform_inputs()),
        id='deform-conv-groups',
    ),
    pytest.param(
        lambda: ModulatedDeformConv2dPack(4, 3, (3, 1), stride=(2, 1), padding=(1, 0)),
        lambda m: m(deform_inputs()[0]),
        id='deform-conv-pack-oblong',
    ),
    pytest.param(
        lambda: DeformConv2d(4, 3, 3, stride=2, padding=1),
        lambda m: m(deform_inputs()[0], deform_inputs()[1][:, :18].contiguous()),
        id='deform-conv-v1',
    ),
    pytest.param(
        lambda: DeformConv2d(4, 3, 3, padding=1),
        lambda m: m(*(x[:, :18, :2, :2].contiguous() for x in deform_inputs()[:2])),
        id='deform-conv-v1-map-smaller-than-kernel',
    ),
    pytest.param(
        lambda: DeformConv2dPack(4, 3, 3, padding=2, dilation=2),
        lambda m: m(deform_inputs()[0]),
        id='deform-conv-v1-pack-dilated',
    ),
    pytest.param(
        lambda: MultiScaleDeformableAttention(32, batch_first=True, dropout=0.0),
        lambda m: m(**attention_inputs(boxes=False)),
        id='deformable-attention-points',
    ),
    pytest.param(
        lambda: MultiScaleDeformableAttention(32, dropout=0.0),
        lambda m: m(**attention_inputs(boxes=True, batch_first=False)),
        id='deformable-attention-boxes',
    ),
    pytest.param(
        lambda: DyHead(32, 32, num_blocks=2, zero_init_offset=False),
        lambda m: torch.cat([x.flatten() for x in m(pyramid())]),
        id='dyhead',
    ),
]


def values_and_gradients(module: nn.Module, run) -> list[torch.Tensor]:
    module.zero_grad()
    out = run(module)
    (out**2).sum().backward()
    grads = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    return [out.detach(), *grads]


@pytest.mark.parametrize(('build', 'run'), LAYERS)
def test_layer_gives_the_same_values_and_gradients(build, run):
    module = spread(build())
    keys = list(module.state_dict())
    before = values_and_gradients(module, run)
    counts = accelerate(module)
    assert sum(counts.values()) >= 1
    fast = values_and_gradients(module, run)
    assert list(module.state_dict()) == keys
    assert restore(module) == counts
    after = values_and_gradients(module, run)
    assert len(before) == len(fast) > 1
    for stock, ours, again in zip(before, fast, after, strict=True):
        torch.testing.assert_close(ours, stock, rtol=1e-6, atol=1e-8)
        assert torch.equal(again, stock), 'restored, it is the stock layer'


def test_each_fast_class_is_a_subclass_that_keeps_the_parameters():
    for stock, fast in ACCELERATED.items():
        assert fast.__bases__ == (stock,)
        assert '__init__' not in vars(fast)


def test_twice_is_once_and_what_is_not_known_stays():
    class Own(ModulatedDeformConv2d):
        """Somebody's subclass, whose forward we do not know."""

    model = nn.Sequential(ModulatedDeformConv2d(2, 2, 3), Own(2, 2, 3), nn.Conv2d(2, 2, 3))
    assert accelerate(model) == {'ModulatedDeformConv2d': 1}
    assert accelerate(model) == {}
    assert type(model[1]) is Own
    assert isinstance(model[0], ModulatedDeformConv2d)
    assert restore(model) == {'ModulatedDeformConv2d': 1}
    assert restore(model) == {}
    assert type(model[0]) is ModulatedDeformConv2d


@pytest.mark.parametrize('twin_of', [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_accelerated_too(twin_of):
    module = spread(ModulatedDeformConv2dPack(4, 3, 3, padding=1))
    accelerate(module)
    twin = twin_of(module)
    x = deform_inputs()[0]
    torch.testing.assert_close(twin(x), module(x))
    assert restore(twin) == {'ModulatedDeformConv2dPack': 1}
    torch.testing.assert_close(twin(x), module(x))


def test_the_package_offers_it_without_importing_torch_first():
    assert mmdet_medglip.accelerate is accelerate
    assert mmdet_medglip.restore is restore
    with pytest.raises(AttributeError, match="no attribute 'faster'"):
        mmdet_medglip.faster  # noqa: B018
