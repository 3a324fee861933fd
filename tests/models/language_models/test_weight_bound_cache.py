import copy

import pytest
import torch
from torch import nn

from mmdet_medglip.models.language_models import WeightBoundCache


@pytest.fixture
def double():
    """A module that doubles numbers, the calls it got, and a function that asks it."""
    module, calls = nn.Linear(1, 1, bias=False).eval(), []
    nn.init.constant_(module.weight, 2.0)

    def compute(keys: list[float]) -> list[torch.Tensor]:
        calls.append(keys)
        return [module(torch.tensor([key])) for key in keys]

    return module, calls, compute


def values(found: dict) -> dict[float, float]:
    return {key: value.item() for key, value in found.items()}


@torch.no_grad()
def test_a_value_is_computed_once_until_the_weights_change(double):
    module, calls, compute = double
    cache = WeightBoundCache(4)
    assert values(cache.fetch_of(module, [1.0, 3.0, 1.0], compute)) == {1.0: 2.0, 3.0: 6.0}
    assert values(cache.fetch_of(module, [3.0, 5.0], compute)) == {3.0: 6.0, 5.0: 10.0}
    module.weight.fill_(3.0)
    assert values(cache.fetch_of(module, [3.0], compute)) == {3.0: 9.0}
    assert calls == [[1.0, 3.0], [5.0], [3.0]]


def test_training_computes_anew_and_forgets(double):
    module, calls, compute = double
    cache = WeightBoundCache(4)
    with torch.no_grad():
        cache.fetch_of(module, [1.0], compute)
        cache.pin(module, {9.0: torch.tensor([18.0])})
    assert cache.fetch_of(module, [1.0], compute)[1.0].requires_grad
    assert not len(cache) and not cache.pinned(module)
    module.train()
    with torch.no_grad():
        cache.fetch_of(module, [1.0, 1.0], compute)
        cache.fetch_of(module, [1.0], compute)
    assert calls == [[1.0]] * 4


@torch.no_grad()
def test_pinned_values_come_first_and_leave_with_the_weights(double):
    module, calls, compute = double
    cache = WeightBoundCache(0)
    cache.pin(module, {1.0: torch.tensor([2.0])})
    assert values(cache.fetch_of(module, [5.0, 1.0], compute)) == {1.0: 2.0, 5.0: 10.0}
    assert calls == [[5.0]]
    cache.pin(module, {5.0: torch.tensor([10.0])})
    assert list(cache.pinned(module)) == [5.0], 'pinning replaces what was pinned'
    module.weight.mul_(2)
    assert not cache.pinned(module)


def test_values_of_inference_mode_serve_training(double):
    module, _, compute = double
    module.requires_grad_(False)
    cache = WeightBoundCache(4)
    with torch.inference_mode():
        cache.fetch_of(module, [1.0], compute)
    kept = cache.fetch_of(module, [1.0], compute)[1.0]
    assert not kept.is_inference()


@torch.no_grad()
def test_a_copy_is_empty(double):
    module, _, compute = double
    cache = WeightBoundCache(4)
    cache.fetch_of(module, [1.0], compute)
    cache.pin(module, {2.0: torch.tensor([4.0])})
    twin = copy.deepcopy(cache)
    assert twin.size == 4
    assert not len(twin) and not twin.pinned(module)
