import pytest
import torch

from mmdet_medglip.downstream.context import SpatialContext
from mmdet_medglip.downstream.context.tokens import pool_regions


def ramp(size, stride, channels=1, offset=0.0):
    """A map whose value is the x of its pixel's centre in the input, plus an offset."""
    centres = (torch.arange(size) + 0.5) * stride + offset
    return centres.expand(channels, size, size)


def test_a_region_has_the_mean_of_its_part_of_the_map():
    boxes = torch.tensor([[8.0, 8, 40, 40], [16, 0, 24, 64]])
    tokens = pool_regions([ramp(16, 8, channels=3)], boxes, [8])
    # The mean of a ramp over a box is its value at the middle of the box.
    torch.testing.assert_close(tokens, torch.tensor([[24.0] * 3, [20.0] * 3]))


@pytest.mark.parametrize(
    ('side', 'level'),
    [
        pytest.param(111, 0, id='below_twice_the_scale'),
        pytest.param(112, 1, id='twice_the_scale'),
        pytest.param(223, 1, id='below_four_times'),
        pytest.param(224, 2, id='four_times'),
        pytest.param(400, 2, id='none_above_the_last'),
        pytest.param(1, 0, id='none_below_the_first'),
    ],
)
def test_the_map_fits_the_size(side, level):
    maps = [torch.full((2, 512 // s, 512 // s), float(n)) for n, s in enumerate((8, 16, 32))]
    boxes = torch.tensor([[50.0, 50, 50 + side, 50 + side]])
    assert pool_regions(maps, boxes, (8, 16, 32)).tolist() == [[level, level]]


def test_no_regions_and_gradients():
    one = ramp(8, 8).clone().requires_grad_()
    assert pool_regions([one], torch.zeros(0, 4), [8]).shape == (0, 1)
    pool_regions([one], torch.tensor([[0.0, 0, 32, 32]]), [8]).sum().backward()
    # Samples at the edge of the box also read the next pixels of the map.
    assert one.grad[0, :5, :5].sum() == pytest.approx(1, abs=1e-5)
    assert one.grad[0, 5:].abs().sum() == one.grad[0, :, 5:].abs().sum() == 0


@pytest.mark.parametrize(
    ('maps', 'boxes', 'strides', 'message'),
    [
        pytest.param([(1, 4, 4)], (1, 4), [8, 16], 'rising stride for each of the 1', id='strides'),
        pytest.param([(1, 4, 4)] * 2, (1, 4), [16, 8], r'got \[16, 8\]', id='falling'),
        pytest.param([(1, 1, 4, 4)], (1, 4), [8], 'of one image', id='batch'),
        pytest.param([(1, 4, 4), (2, 2, 2)], (1, 4), [8, 16], 'the same C', id='channels'),
        pytest.param([(1, 4, 4)], (1, 5), [8], r'finite and \[N, 4\]', id='boxes'),
    ],
)
def test_refuses(maps, boxes, strides, message):
    with pytest.raises(ValueError, match=message):
        pool_regions([torch.zeros(shape) for shape in maps], torch.ones(boxes), strides)


def test_context_scales_boxes_to_the_input(make_regions):
    regions = make_regions('a', ('x', 0.5, (4, 4, 20, 20)))
    tokens = SpatialContext.tokens([ramp(16, 8)], regions, [8], scale_factor=(2.0, 2.0))
    torch.testing.assert_close(tokens, torch.tensor([[24.0]]))
