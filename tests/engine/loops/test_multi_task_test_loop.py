"""Two tasks of numbers: what the loop, the comparison hook and the files say of them."""

from pathlib import Path

import pytest
import torch
from mmengine.evaluator import BaseMetric
from torch.utils.data import Dataset

from mmdet_medglip.engine.task_comparison import FILE_NAME, read_comparison
from mmdet_medglip.registry import DATASETS, METRICS


@DATASETS.register_module(force=True)
class Numbers(Dataset):
    """The same vector a number of times."""

    def __init__(self, value: float = 0.0, size: int = 2) -> None:
        self.value, self.size = value, size
        self.metainfo = dict(classes=(f'of {value}',))

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict:
        return dict(inputs=torch.full((2,), self.value))


@METRICS.register_module(force=True)
class Mean(BaseMetric):
    """Mean of the outputs, their number, and whether the data set was the right one."""

    default_prefix = 'toy'

    def process(self, data_batch: dict, data_samples: list) -> None:
        self.results += [float(x) for x in data_samples[0]['out'].flatten()]

    def compute_metrics(self, results: list) -> dict:
        return dict(mean=sum(results) / len(results), count=len(results))


@pytest.fixture
def runner(make_runner, toy_model, safe_loader):
    """A runner of two tasks whose model gives ``w`` times the sum of its input, ``w`` = 1."""

    class Model(toy_model):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))
            self.backbone = self.bbox_head = None

        def forward(self, inputs, mode='tensor'):
            out = self.weight * inputs.sum(1)
            # The gradient of the loss is 1, whatever the batch.
            return dict(loss=self.weight.sum()) if mode == 'loss' else [dict(out=out)]

    def make(tasks, **changes):
        loader = dict(
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='Numbers'),
            collate_fn=dict(type='default_collate'),
        )
        arguments = dict(
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.25)),
            param_scheduler=None,
            max_epochs=1,
            test_dataloader=loader,
            test_evaluator=[dict(type='Mean')],
            test_cfg=dict(type='MultiTaskTestLoop', tasks=tasks, headline=['toy/mean']),
        )
        train = dict(loader, dataset=dict(type='Numbers', size=2))
        return make_runner(model=Model(), train_dataloader=train, **(arguments | changes))

    return make


TASKS = dict(new=dict(value=1.0, size=3), old=dict(value=2.0, size=5))


def test_each_task_has_its_own_data_evaluator_and_name(runner):
    made = runner(TASKS)
    assert made.test() == {
        'new/toy/mean': 2.0,
        'new/toy/count': 3,
        'old/toy/mean': 4.0,
        'old/toy/count': 5,
    }
    loops = made.test_loop.loops
    assert loops['new'].evaluator.dataset_meta == dict(classes=('of 1.0',))
    assert loops['old'].evaluator.dataset_meta == dict(classes=('of 2.0',))


@pytest.mark.parametrize('tasks', [{}, {'a/b': {}}], ids=['none', 'slash'])
def test_tasks_need_plain_names(runner, tasks):
    with pytest.raises(ValueError, match='needs tasks whose names have no slash'):
        runner(tasks).test()


def test_a_training_is_compared_with_its_start(runner):
    hook = dict(type='TaskComparisonHook', metrics=['toy/mean'])
    made = runner(TASKS, custom_hooks=[hook])
    made.train()
    # one step of 0.25 along a gradient of 1: the weight is 0.75
    found = read_comparison(Path(made.work_dir, FILE_NAME))
    assert [(c.task, c.before, c.after, c.change) for c in found.changes] == [
        ('new', 2.0, 1.5, -0.5),
        ('old', 4.0, 3.0, -1.0),
    ]
    assert (found.parameters, found.trainable) == (1, 1)


def test_a_resumed_training_is_compared_with_the_first_start(runner):
    hook = dict(type='TaskComparisonHook', metrics=['toy/mean'])
    runner(TASKS, custom_hooks=[hook]).train()
    second = runner(TASKS, custom_hooks=[hook], max_epochs=3, resume=True)
    second.train()
    found = read_comparison(Path(second.work_dir, FILE_NAME))
    assert [(c.before, c.after) for c in found.changes] == [(2.0, 0.5), (4.0, 1.0)]


def test_the_comparison_needs_tasks(runner):
    hook = dict(type='TaskComparisonHook')
    with pytest.raises(ValueError, match=r'MultiTaskTestLoop, the config has TestLoop'):
        runner(TASKS, test_cfg=dict(), custom_hooks=[hook]).train()
