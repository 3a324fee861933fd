"""A loss or gradient that is no number changes no weight."""

import json
from pathlib import Path

import pytest
import torch
from mmdet.structures import DetDataSample

from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.registry import HOOKS


def collate(batch):
    return dict(
        inputs=torch.stack([one['inputs'] for one in batch]),
        data_samples=[one['data_samples'] for one in batch],
    )


@pytest.fixture
def make(make_runner, toy_model):
    class Model(toy_model):
        def forward(self, inputs, data_samples, mode='tensor'):
            return super().forward(inputs, mode)

    def build(values, accumulative_counts=1, **hook):
        data = [
            dict(
                inputs=torch.full((2,), float(value)),
                data_samples=DetDataSample(metainfo=dict(img_id=f'image-{at}')),
            )
            for at, value in enumerate(values)
        ]
        torch.manual_seed(0)
        return make_runner(
            2,
            model=Model(),
            train_dataloader=dict(
                batch_size=2,
                sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=data,
                collate_fn=collate,
            ),
            custom_hooks=[dict(type='NonFiniteLossHook', **hook)],
            param_scheduler=None,
            optim_wrapper=dict(
                optimizer=dict(type='AdamW', lr=0.1), accumulative_counts=accumulative_counts
            ),
        )

    return build


def weights(runner):
    return torch.cat([value.flatten() for value in runner.model.state_dict().values()])


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_training_stops_with_the_images_of_the_batch(make, value):
    runner = make([1, 2, value, 3])
    with pytest.raises(TrainingStoppedError, match=r'images image-2, image-3\. Look at') as told:
        runner.train()
    assert 'epoch 1, iteration 2, rank 0' in str(told.value)
    assert torch.isfinite(weights(runner)).all()


def test_a_batch_is_skipped_as_if_it_were_not_there(make):
    runner = make([1, 2, 'nan', 3, 4, 5], policy='skip')
    runner.train()
    assert torch.isfinite(weights(runner)).all()
    lines = Path(runner.work_dir, 'skipped_batches.jsonl').read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [(one['epoch'], one['iteration'], one['images']) for one in found] == [
        (1, 2, ['image-2', 'image-3']),
        (2, 5, ['image-2', 'image-3']),
    ]
    steps = {int(state['step']) for state in runner.optim_wrapper.optimizer.state.values()}
    assert steps == {4}


def test_too_many_are_an_error(make):
    runner = make(['nan'] * 6, policy='skip', max_skipped=2)
    with pytest.raises(TrainingStoppedError, match=r'batch 3 of this run .* max_skipped=2'):
        runner.train()


class Root(torch.autograd.Function):
    """Zero, with a gradient that is infinite, as that of a square root is at zero."""

    @staticmethod
    def forward(ctx, value):
        return value * 0

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float('inf')


@pytest.fixture
def bend(monkeypatch):
    """Give a model an infinite gradient where its loss is above a value."""

    def of(model, above):
        whole = model.forward

        def forward(inputs, data_samples, mode='tensor'):
            losses = whole(inputs, data_samples, mode)
            if inputs.max() > above:
                losses['loss_root'] = Root.apply(losses['loss'])
            return losses

        monkeypatch.setattr(model, 'forward', forward)

    return of


def test_a_gradient_that_is_not_finite_stops_training(make, bend):
    runner = make([1, 2, 9, 3])
    bend(runner.model, above=5)
    with pytest.raises(TrainingStoppedError, match=r'gradient is \w+ at .* image-2, image-3\.'):
        runner.train()
    assert torch.isfinite(weights(runner)).all()


def test_a_step_is_skipped_with_all_batches_that_were_added_up(make, bend):
    runner = make([1, 2, 3, 4, 9, 5, 6, 7], accumulative_counts=2, policy='skip')
    bend(runner.model, above=8)
    runner.train()
    assert torch.isfinite(weights(runner)).all()
    lines = Path(runner.work_dir, 'skipped_batches.jsonl').read_text().splitlines()
    found = [json.loads(line)['images'] for line in lines]
    assert found == [[f'image-{number}' for number in range(4, 8)]] * 2
    steps = {int(state['step']) for state in runner.optim_wrapper.optimizer.state.values()}
    assert steps == {2}


@pytest.mark.parametrize('bad', range(4))
def test_of_batches_that_are_added_up_the_others_are_kept(make, monkeypatch, bad):
    """A batch without a finite loss counts as one without a gradient; 2 + 2 batches, and a rest."""
    values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    batches = [values[at : at + 2] for at in range(0, 10, 2)]
    runner = make(
        [v for at, b in enumerate(batches) for v in ([v * 1.0 for v in b], ['nan'] * 2)[at == bad]],
        accumulative_counts=2,
        policy='skip',
    )
    runner.train()
    other = make(values, accumulative_counts=2)
    whole = other.model.forward

    def forward(inputs, data_samples, mode='tensor'):
        losses = whole(inputs, data_samples, mode)
        return dict(loss=losses['loss'] * (float(inputs.max()) != batches[bad][1]))

    monkeypatch.setattr(other.model, 'forward', forward)
    other.train()
    assert torch.equal(weights(runner), weights(other))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        pytest.param(dict(policy='hide'), 'policy must be one of', id='policy'),
        pytest.param(dict(max_skipped=0), 'max_skipped must be at least 1', id='number'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        HOOKS.build(dict(type='NonFiniteLossHook', **arguments))
