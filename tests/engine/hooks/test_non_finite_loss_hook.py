"""A loss that is no number changes no weight."""

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

    def build(values, order=False, **hook):
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
