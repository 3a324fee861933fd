"""A sample's random numbers come from seed, epoch and sample, in whatever process it is read."""

import copy
import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from mmdet_medglip.datasets import sample_clock
from mmdet_medglip.datasets.sample_clock import SampleClock, seed_of


def draw():
    return (random.random(), float(np.random.random()), float(torch.rand(())))


class Drawn(Dataset):
    """Samples that are what was drawn for them."""

    def __init__(self):
        self.clock = SampleClock()

    def __len__(self):
        return 6

    def __getitem__(self, index):
        with self.clock.seeded(index):
            return index, draw()


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('stays', [False, True])
def test_epochs_are_the_same_whatever_came_before(workers, stays):
    def epochs(first):
        data = copy.deepcopy(Drawn())  # as mmengine does with a data set it is given
        loader = DataLoader(
            data,
            batch_size=None,
            num_workers=workers,
            persistent_workers=stays and workers > 0,
            multiprocessing_context='fork' if workers else None,
        )
        seen = {}
        for epoch in range(first, 3):
            data.clock.begin(7, epoch)
            seen[epoch] = [(int(index), *map(float, numbers)) for index, numbers in loader]
        return seen

    whole, resumed = epochs(0), epochs(2)
    assert resumed[2] == whole[2]
    assert whole[0] != whole[1] != whole[2]
    assert len({numbers for epoch in whole.values() for numbers in epoch}) == 18


def test_numbers_around_go_on():
    clock = SampleClock()
    clock.begin(1, 1)
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = draw(), draw()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    first = draw()
    with clock.seeded(3):
        inner = draw()
    assert (first, draw()) == expected
    assert inner not in expected
    with clock.seeded(3):
        assert draw() != inner  # A second visit in an epoch is another view.


def test_before_the_first_epoch_nothing_is_seeded():
    clock = SampleClock()
    random.seed(5)
    expected = random.random()
    random.seed(5)
    with clock.seeded(0):
        assert random.random() == expected
    assert clock.epoch == -1
    assert seed_of(1, 2, 3) != seed_of(3, 2, 1)


@pytest.mark.parametrize('workers', [0, 1, 3])
def test_several_visits_of_an_epoch_see_several_views(workers):
    """Also where each is by another worker, which has not seen the ones before."""
    data = Drawn()
    data.clock.begin(7, 0)
    loader = DataLoader(
        data,
        batch_size=None,
        sampler=[4] * 6,
        num_workers=workers,
        multiprocessing_context='fork' if workers else None,
    )
    assert len({tuple(map(float, numbers)) for _, numbers in loader}) == 6


def test_ranks_see_other_views(monkeypatch):
    views = set()
    for rank in range(3):
        monkeypatch.setattr(sample_clock, 'get_rank', lambda rank=rank: rank)
        clock = SampleClock()
        clock.begin(7, 0)
        with clock.seeded(4):
            views.add(draw())
    assert len(views) == 3
