"""Groups of like lengths, by hand and against all cuts."""

import itertools

import pytest
import torch

from mmdet_medglip.models.language_models.length_buckets import length_buckets


def cost(lengths: list[int], groups: list[list[int]], call_cost: int) -> int:
    return sum(call_cost + len(g) * max(lengths[i] for i in g) for g in groups)


@pytest.mark.parametrize(
    ('lengths', 'groups'),
    [
        pytest.param([], [], id='none'),
        pytest.param([7], [[0]], id='one'),
        pytest.param([5, 5, 5], [[0, 1, 2]], id='alike'),
        pytest.param([3, 200, 3], [[1], [0, 2]], id='one-long'),
        pytest.param([4, 200, 5, 190, 4], [[1, 3], [2, 0, 4]], id='two-kinds'),
    ],
)
def test_by_hand(lengths, groups):
    assert length_buckets(lengths, call_cost=32) == groups


@pytest.mark.parametrize('call_cost', [0, 8, 32, 4096])
def test_no_other_cut_costs_less(call_cost):
    torch.manual_seed(0)
    lengths = torch.randint(3, 60, (8,)).tolist()
    groups = length_buckets(lengths, call_cost)
    assert sorted(itertools.chain(*groups)) == list(range(8))
    order = sorted(range(8), key=lambda i: -lengths[i])
    least = min(
        cost(lengths, [order[a:b] for a, b in itertools.pairwise((0, *cuts, 8))], call_cost)
        for count in range(8)
        for cuts in itertools.combinations(range(1, 8), count)
    )
    assert cost(lengths, groups, call_cost) == least
