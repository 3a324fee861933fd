import pytest
import torch
from torch import nn

from mmdet_medglip.engine.adaptation import AdaptationHook, LinearProbe
from mmdet_medglip.engine.adaptation.freezing import frozen_modules, frozen_names, train_only


@pytest.fixture
def model():
    return nn.ModuleDict(
        dict(
            backbone=nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout()),
            head=nn.ModuleDict(
                dict(tower=nn.Linear(2, 2), last=nn.Linear(2, 1), drop=nn.Dropout())
            ),
        )
    )


def test_the_largest_modules_hold_still(model):
    train_only(model, [r'head\.last'])
    assert frozen_modules(model) == [model['backbone'], model['head']['tower']]
    train_only(model, ['backbone', 'head'])
    assert frozen_modules(model) == []


def test_buffers_of_frozen_modules_stay_and_others_do_not(model):
    train_only(model, [r'backbone\.0', r'head\.last'])
    assert frozen_names(model) == {
        'backbone.1.weight',
        'backbone.1.bias',
        'backbone.1.running_mean',
        'backbone.1.running_var',
        'backbone.1.num_batches_tracked',
        'head.tower.weight',
        'head.tower.bias',
    }
    train_only(model, [r'backbone\.1', r'head\.last'])
    assert not [name for name in frozen_names(model) if 'running' in name]


def test_a_frozen_module_stays_in_evaluation_mode():
    class Runner:
        model = nn.ModuleDict(dict(body=nn.BatchNorm1d(1), bbox_head=nn.Linear(1, 1)))

    adaptation = LinearProbe()
    adaptation.apply(Runner.model, tuple)
    hook = AdaptationHook(adaptation)
    hook.before_train(Runner)
    for _ in range(2):
        Runner.model.train()
        hook.before_train_iter(Runner, 0)
        Runner.model['body'](torch.tensor([[5.0], [7.0]]))
    assert Runner.model['body'].running_mean.item() == 0
    assert Runner.model['bbox_head'].training
