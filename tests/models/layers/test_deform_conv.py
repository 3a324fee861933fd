"""Deformable convolution against mmcv's, values and gradients, and what it must not choke on."""

import pytest
import torch
from mmcv.ops import modulated_deform_conv2d as mmcv_deform_conv2d
from torch.nn import functional

from mmdet_medglip.models.layers import row_sampling
from mmdet_medglip.models.layers.deform_conv import (
    DeformConv2d,
    Place,
    deform_conv_levels,
    modulated_deform_conv2d,
)

NAMES = ('output', 'x', 'offset', 'mask', 'weight', 'bias')


def arguments(
    batch: int = 2,
    size: tuple[int, int] = (7, 9),
    offset_size: tuple[int, int] | None = None,
    stride: int = 1,
    kernel: int = 3,
    scale: float = 2.0,
) -> list[torch.Tensor]:
    """x, offset, mask, weight and bias in double precision."""
    torch.manual_seed(0)
    out = offset_size or tuple((n - 1) // stride + 1 for n in size)
    return [
        torch.randn(batch, 4, *size).double(),
        scale * torch.randn(batch, 2 * kernel**2, *out).double(),
        torch.rand(batch, kernel**2, *out).double(),
        torch.randn(5, 4, kernel, kernel).double(),
        torch.randn(5).double(),
    ]


def values_and_gradients(function, tensors: list, *rest: int) -> list[torch.Tensor]:
    leaves = [t.clone().requires_grad_() for t in tensors]
    out = function(*leaves, *rest)
    (out**3).sum().backward()
    return [out.detach(), *(leaf.grad for leaf in leaves)]


def assert_as_mmcv(tensors: list, *rest: int) -> None:
    ours = values_and_gradients(modulated_deform_conv2d, tensors, *rest)
    theirs = values_and_gradients(mmcv_deform_conv2d, tensors, *rest)
    for name, mine, other in zip(NAMES, ours, theirs, strict=False):
        torch.testing.assert_close(mine, other, msg=lambda text, n=name: f'{n}: {text}')


@pytest.mark.parametrize(
    ('changes', 'rest'),
    [
        pytest.param({}, (1, 1), id='stride-1'),
        pytest.param({'batch': 1}, (1, 1), id='batch-1'),
        pytest.param({'stride': 2}, (2, 1), id='stride-2'),
        pytest.param({'stride': 2, 'size': (8, 10)}, (2, 1), id='stride-2-even'),
        pytest.param({'offset_size': (14, 18)}, (1, 1), id='larger-offset-map'),
        pytest.param({'offset_size': (9, 7)}, (1, 1), id='other-shape-of-equal-size'),
        pytest.param({'kernel': 1}, (1, 0), id='kernel-1'),
        pytest.param({'offset_size': (5, 7)}, (1, 1, 2), id='dilation-2'),
        pytest.param({'scale': 100.0}, (1, 1), id='far-outside'),
        pytest.param({'size': (1, 1)}, (1, 1), id='one-pixel'),
    ],
)
def test_values_and_gradients_equal_mmcv(changes, rest):
    assert_as_mmcv(arguments(**changes), *rest)


@pytest.mark.parametrize('value', [0.0, -1.0, 0.5], ids=str)
def test_taps_on_the_grid_and_on_the_border_equal_mmcv(value):
    # At a whole number the bilinear weights have a kink, and mmcv takes one side of it.
    tensors = arguments()
    tensors[1].fill_(value)
    assert_as_mmcv(tensors, 1, 1)


def test_without_bias_equals_mmcv():
    tensors = arguments()[:4]
    ours = values_and_gradients(lambda *a: modulated_deform_conv2d(*a, None, 1, 1), tensors)
    theirs = values_and_gradients(lambda *a: mmcv_deform_conv2d(*a, None, 1, 1), tensors)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


def test_any_slice_or_memory_format_equals_mmcv():
    tensors = arguments()
    expected = mmcv_deform_conv2d(*tensors, 1, 1)
    tensors[0] = tensors[0].contiguous(memory_format=torch.channels_last)
    both = torch.cat(tensors[1:3], dim=1).contiguous(memory_format=torch.channels_last)
    tensors[1:3] = both[:, :18], both[:, 18:]
    torch.testing.assert_close(modulated_deform_conv2d(*tensors, 1, 1), expected)


def test_no_offset_is_a_convolution():
    x, offset, mask, weight, bias = arguments()
    ours = modulated_deform_conv2d(x, offset * 0, torch.ones_like(mask), weight, bias, 1, 1)
    torch.testing.assert_close(ours, functional.conv2d(x, weight, bias, padding=1))


def test_half_way_between_pixels_by_hand():
    # One tap, half a pixel down and a quarter to the right of (0, 0), modulated by 2:
    # 2 * (0.5 * (0.75 * 1 + 0.25 * 3) + 0.5 * (0.75 * 5 + 0.25 * 7)) = 2 * (0.75 + 2.75).
    x = torch.tensor([[1.0, 3.0], [5.0, 7.0]])[None, None]
    offset = torch.zeros(1, 2, 2, 2)
    offset[0, :, 0, 0] = torch.tensor([0.5, 0.25])
    out = modulated_deform_conv2d(x, offset, torch.full((1, 1, 2, 2), 2.0), torch.ones(1, 1, 1, 1))
    assert out.flatten().tolist() == [7.0, 6.0, 10.0, 14.0]


@pytest.mark.parametrize('limit', [1, 2**12, 2**24], ids=['row-by-row', 'chunks', 'at-once'])
@pytest.mark.parametrize('stride', [1, 2])
def test_gradients_are_those_of_the_values(stride, limit, monkeypatch):
    monkeypatch.setattr(row_sampling, '_CHUNK_BYTES', limit)
    monkeypatch.setattr(row_sampling, '_BACKWARD_CHUNK_BYTES', limit)
    tensors = arguments(size=(3, 4), stride=stride, scale=0.3)
    assert torch.autograd.gradcheck(
        lambda *a: modulated_deform_conv2d(*a, stride, 1), [t.requires_grad_() for t in tensors]
    )


@pytest.mark.parametrize('wanted', range(5), ids=NAMES[1:])
def test_each_gradient_alone(wanted):
    tensors = arguments()
    every = values_and_gradients(lambda *a: modulated_deform_conv2d(*a, 1, 1), tensors)
    tensors[wanted] = tensors[wanted].requires_grad_()
    (modulated_deform_conv2d(*tensors, 1, 1) ** 3).sum().backward()
    torch.testing.assert_close(tensors[wanted].grad, every[wanted + 1])


def test_levels_at_once_equal_one_by_one():
    sizes = [(6, 8), (3, 4), (2, 2)]
    one_by_one, places, start = [], [], 0
    arguments_of = [arguments(size=size) for size in sizes]
    weight, bias = arguments_of[0][3:]
    for size, (x, offset, mask, _, _) in zip(sizes, arguments_of, strict=True):
        out = modulated_deform_conv2d(x, offset, mask, weight, bias, 1, 1)
        one_by_one.append(out.flatten(2).transpose(1, 2))
        places.append(Place(start, size, size))
        start += size[0] * size[1]
    table = torch.cat([a[0].flatten(2).transpose(1, 2) for a in arguments_of], dim=1)
    offsets, masks = [a[1] for a in arguments_of], [a[2] for a in arguments_of]
    together = deform_conv_levels(table, places, offsets, masks, weight, bias)
    torch.testing.assert_close(together, torch.cat(one_by_one, dim=1))


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -1e30, 3e9], ids=str)
def test_positions_beyond_any_map_count_as_outside(value):
    tensors = arguments()
    tensors[1][0, :, 2, 3] = value
    results = values_and_gradients(modulated_deform_conv2d, tensors, 1, 1)
    assert all(r.isfinite().all() for r in results)
    torch.testing.assert_close(results[0][0, :, 2, 3], tensors[4])


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(dtype):
    tensors = [t.to(dtype) for t in arguments()]
    out = modulated_deform_conv2d(*tensors, 1, 1)
    exact = modulated_deform_conv2d(*(t.float() for t in tensors), 1, 1)
    assert out.dtype == dtype
    assert torch.equal(out, exact.to(dtype))


def test_constants_made_in_inference_mode_serve_training():
    tensors = arguments(size=(5, 11))
    with torch.inference_mode():
        expected = modulated_deform_conv2d(*tensors, 1, 1)
    trained = values_and_gradients(modulated_deform_conv2d, tensors, 1, 1)[0]
    torch.testing.assert_close(trained, expected)


@pytest.mark.parametrize(('which', 'name'), [(1, 'offsets'), (2, 'masks')], ids=['offset', 'mask'])
def test_too_small_a_map_is_an_error(which, name):
    tensors = arguments()
    tensors[which] = tensors[which][..., :3]
    with pytest.raises(ValueError, match=f'{name} of shape .* cannot serve an output of 63 pixels'):
        modulated_deform_conv2d(*tensors, 1, 1)


def test_module_has_the_parameters_and_values_of_mmcv():
    from mmcv.ops import ModulatedDeformConv2d

    x, offset, mask, _, _ = (t.float() for t in arguments(stride=2))
    ours, theirs = DeformConv2d(4, 5, stride=2), ModulatedDeformConv2d(4, 5, 3, 2, 1)
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x, offset, mask), theirs(x, offset, mask))
    assert 0.9 * 36**-0.5 < ours.weight.abs().max() <= 36**-0.5
    assert not ours.bias.any()
