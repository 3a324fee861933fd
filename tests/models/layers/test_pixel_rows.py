import pytest
import torch

from mmdet_medglip.models.layers import maps_from_rows, rows_from_maps

SIZES = [(2, 3), (1, 2)]


def test_rows_by_hand():
    first = torch.arange(6.0).view(1, 1, 2, 3)
    second = torch.tensor([10.0, 20.0]).view(1, 1, 1, 2)
    rows = rows_from_maps([first, second])
    assert rows.shape == (1, 8, 1)
    assert rows.flatten().tolist() == [0, 1, 2, 3, 4, 5, 10, 20]


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last], ids=str)
def test_there_and_back(batch, layout):
    maps = [torch.randn(batch, 4, *size).contiguous(memory_format=layout) for size in SIZES]
    back = maps_from_rows(rows_from_maps(maps), SIZES)
    for before, after in zip(maps, back, strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize('batch', [1, 3])
def test_normalised_maps_stay_channels_last(batch):
    norm = torch.nn.GroupNorm(2, 4)
    for one in maps_from_rows(torch.randn(batch, 8, 4), SIZES):
        assert one.is_contiguous(memory_format=torch.channels_last)
        assert norm(one).is_contiguous(memory_format=torch.channels_last)
