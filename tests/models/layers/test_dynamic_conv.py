"""Dynamic ReLU by its formula; dynamic convolution: shapes, layout of memory, the mean by hand."""

import pytest
import torch
from torch.nn import functional

from mmdet_medglip.models.layers import DynamicPyramidConv, DynamicReLU

SIZES = [(16, 20), (8, 10), (4, 5), (2, 3), (1, 2)]


def maps(levels: int = 3, batch: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(batch, 16, *size) for size in SIZES[:levels]]


def build(deformable: bool) -> DynamicPyramidConv:
    torch.manual_seed(0)
    layer = DynamicPyramidConv(16, deformable, num_groups=4)
    if deformable:
        torch.nn.init.normal_(layer.offset.weight, std=0.1)
    return layer


def test_dynamic_relu_formula():
    torch.manual_seed(0)
    layer = DynamicReLU(8)
    x = torch.randn(2, 8, 3, 5)
    with torch.no_grad():
        hidden = functional.relu(layer.fc[0](x.mean((2, 3))))
        theta = (layer.fc[2](hidden) + 3).clamp(0, 6) / 6 - 0.5
        a1, b1, a2, b2 = theta[:, :, None, None].split(8, dim=1)
        expected = torch.max(x * (a1 * 2 + 1) + b1, x * (a2 * 2) + b2)
        torch.testing.assert_close(layer(x), expected)


def test_dynamic_relu_without_coefficients_is_relu():
    layer = DynamicReLU(8)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 8, 3, 5)
    # hardsigmoid(0) - 0.5 = 0: slopes 1 and 0, no intercepts.
    torch.testing.assert_close(layer(x), functional.relu(x))


def test_dynamic_relu_depends_on_its_own_image_alone():
    torch.manual_seed(0)
    layer, x = DynamicReLU(8), torch.randn(3, 8, 4, 4)
    torch.testing.assert_close(layer(x)[1:2], layer(x[1:2]))


@pytest.mark.parametrize('deformable', [False, True], ids=['plain', 'deformable'])
@pytest.mark.parametrize('levels', [1, 2, 3, 5])
def test_any_number_of_levels_keeps_shapes(levels, deformable):
    features = maps(levels)
    mixed = build(deformable)(features)
    assert [m.shape for m in mixed] == [f.shape for f in features]


@pytest.mark.parametrize('deformable', [False, True], ids=['plain', 'deformable'])
def test_channels_last_gives_the_same_values_and_gradients(deformable):
    layer, results = build(deformable), []
    for layout in (torch.contiguous_format, torch.channels_last):
        layer.zero_grad()
        features = [f.contiguous(memory_format=layout).requires_grad_() for f in maps()]
        mixed = layer(features)
        sum((m * m).sum() for m in mixed).backward()
        results.append([*mixed, *(f.grad for f in features)])
    for plain, last in zip(*results, strict=True):
        torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('deformable', [False, True], ids=['plain', 'deformable'])
def test_images_of_a_batch_do_not_mix(deformable):
    layer, features = build(deformable), maps(batch=2)
    together = layer(features)
    alone = layer([f[1:] for f in features])
    for both, one in zip(together, alone, strict=True):
        torch.testing.assert_close(both[1:], one, rtol=1e-4, atol=1e-5)


def test_mean_of_neighbours_by_hand():
    # Convolutions that give the constant 1, 2 and 4 by their norm's bias; level weight
    # hardsigmoid(relu(0)) = 0.5; activation the identity for positive values.
    layer = build(deformable=False)
    for name, value in (('from_finer', 1.0), ('from_same', 2.0), ('from_coarser', 4.0)):
        torch.nn.init.zeros_(getattr(layer, name).norm.weight)
        torch.nn.init.constant_(getattr(layer, name).norm.bias, value)
    torch.nn.init.zeros_(layer.level_weight.weight)
    for parameter in layer.activation.parameters():
        torch.nn.init.zeros_(parameter)
    expected = (0.5 * (2 + 4) / 2, 0.5 * (1 + 2 + 4) / 3, 0.5 * (1 + 2) / 2)
    for level, value in zip(layer(maps()), expected, strict=True):
        torch.testing.assert_close(level, torch.full_like(level, value))


@pytest.mark.parametrize(
    ('upsample', 'row'),
    [
        pytest.param('bilinear', [0.0, 1.0, 2.0, 3.0], id='corners-aligned'),
        pytest.param('nearest', [0.0, 0.0, 3.0, 3.0], id='nearest'),
    ],
)
def test_a_coarser_level_is_enlarged(upsample: str, row: list[float]) -> None:
    layer = DynamicPyramidConv(16, deformable=False, upsample=upsample)
    coarse = torch.tensor([0.0, 3.0]).expand(1, 16, 2, 2)
    enlarged = layer._enlarge(coarse, torch.Size((4, 4)))
    torch.testing.assert_close(enlarged, torch.tensor(row).expand(1, 16, 4, 4))


def test_another_way_to_enlarge_is_an_error() -> None:
    with pytest.raises(ValueError, match="upsample must be 'bilinear' or 'nearest', got 'cubic'"):
        DynamicPyramidConv(16, upsample='cubic')


def test_deformable_without_offsets_is_a_plain_convolution():
    # Zero offsets and modulation sigmoid(0) = 0.5, which the group normalisation takes out
    # but for its epsilon.
    plain, deformable = build(deformable=False), build(deformable=True)
    deformable.load_state_dict(plain.state_dict(), strict=False)
    for layer in (plain, deformable):
        for name in ('from_finer', 'from_same', 'from_coarser'):
            torch.nn.init.normal_(getattr(layer, name).conv.weight, generator=torch.manual_seed(2))
            torch.nn.init.zeros_(getattr(layer, name).conv.bias)
    torch.nn.init.zeros_(deformable.offset.weight)
    torch.nn.init.zeros_(deformable.offset.bias)
    for mine, other in zip(deformable(maps()), plain(maps()), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('levels', [1, 2, 5])
def test_levels_at_once_equal_one_by_one(levels):
    # Odd sizes: the offsets of a level are more than its coarser neighbour's output needs.
    layer, results = build(deformable=True).double(), []
    for convolve in (layer._one_by_one, layer._at_once):
        layer.zero_grad()
        features = [f.double().requires_grad_() for f in maps(levels)]
        parts = [part for of_level in convolve(features) for part in of_level]
        sum((part**3).sum() for part in parts).backward()
        weights = [p.grad for p in layer.parameters() if p.grad is not None]
        results.append([*parts, *weights, *(f.grad for f in features)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)
