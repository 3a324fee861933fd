"""A resumed training draws in its model and its data what an uninterrupted one draws."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from mmdet_medglip.datasets.sample_clock import SampleClock
from mmdet_medglip.engine.hooks.epoch_seed_hook import data_sets_of


class Noisy(Dataset):
    """Eight numbers with noise of their own in each epoch."""

    def __init__(self):
        self.clock = SampleClock()
        self.begin_epoch = self.clock.begin

    def __len__(self):
        return 8

    def __getitem__(self, index):
        with self.clock.seeded(index):
            return dict(inputs=torch.full((2,), float(index)) + torch.rand(2))


@pytest.fixture
def make(make_runner, toy_model, safe_loader):
    class Model(toy_model):
        def forward(self, inputs, mode='tensor'):
            return super().forward(torch.nn.functional.dropout(inputs, 0.5, self.training), mode)

    def build(work_dir, workers, data=None, **kwargs):
        torch.manual_seed(0)
        data = data or Noisy()
        return make_runner(
            3,
            model=Model(),
            work_dir=str(work_dir),
            train_dataloader=dict(
                batch_size=2,
                num_workers=workers,
                persistent_workers=workers > 0,
                sampler=dict(type='DefaultSampler', shuffle=True),
                dataset=data,
                collate_fn=dict(type='default_collate'),
            ),
            custom_hooks=[dict(type='EpochSeedHook')],
            **kwargs,
        )

    return build


def weights(runner):
    return torch.cat([value.flatten() for value in runner.model.state_dict().values()])


@pytest.mark.parametrize('workers', [0, 1])
def test_resumed_is_uninterrupted(make, tmp_path, workers):
    whole = make(tmp_path / 'whole', workers)
    whole.train()
    for epoch in (1, 2):
        again = make(
            tmp_path / f'from{epoch}',
            workers,
            resume=True,
            load_from=str(tmp_path / 'whole' / f'epoch_{epoch}.pth'),
        )
        torch.rand(epoch)  # Whatever was drawn before does not matter.
        again.train()
        assert torch.equal(weights(again), weights(whole))


def test_data_sets_are_found_in_what_wraps_them():
    class Wrapper:
        def __init__(self, **inner):
            self.__dict__.update(inner)

    one, other = Noisy(), Noisy()
    nested = Wrapper(datasets=[one, Wrapper(dataset=other)])
    assert [data for data in data_sets_of(nested) if isinstance(data, Noisy)] == [one, other]


class Plain(Dataset):
    """Numbers with noise by NumPy, of no clock."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        noise = np.random.random(2).astype('float32')
        return dict(inputs=torch.full((2,), float(index)) + torch.from_numpy(noise))


def test_the_first_batch_of_a_data_set_without_a_clock_is_seeded_too(make, tmp_path):
    whole = make(tmp_path / 'whole', 0, Plain())
    whole.train()
    again = make(
        tmp_path / 'again',
        0,
        Plain(),
        resume=True,
        load_from=str(tmp_path / 'whole' / 'epoch_2.pth'),
    )
    np.random.random(3)
    again.train()
    assert torch.equal(weights(whole), weights(again))
