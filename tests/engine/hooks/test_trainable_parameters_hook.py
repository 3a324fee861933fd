import logging

import pytest
from torch import nn

from mmdet_medglip.engine.hooks import count_parameters


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        shared = nn.Linear(2, 2)  # 6 parameters
        self.experts = nn.ModuleDict({'ct': shared, 'mri': nn.Linear(2, 3), 'xray': shared})


def test_experts_have_lines_of_their_own():
    model = nn.ModuleDict({'backbone': Router(), 'bbox_head': nn.Linear(3, 1)})
    model['backbone'].experts['mri'].requires_grad_(False)
    assert count_parameters(model) == [
        ('backbone', 15, 6),
        ('  ct', 6, 6),
        ('  mri', 9, 0),
        ('  xray', 6, 6),
        ('bbox_head', 4, 4),
        ('total', 19, 10),
    ]


@pytest.mark.parametrize(
    ('model', 'expected'),
    [
        pytest.param(nn.ReLU(), [('total', 0, 0)], id='nothing'),
        pytest.param(nn.Linear(2, 1), [('(own)', 3, 3), ('total', 3, 3)], id='own-parameters'),
    ],
)
def test_models_without_children(model, expected):
    assert count_parameters(model) == expected


def test_the_table_is_logged_before_training(make_runner, toy_model):
    model = toy_model()
    model.backbone.requires_grad_(False)
    runner = make_runner(
        max_epochs=1, model=model, custom_hooks=[{'type': 'TrainableParametersHook'}]
    )
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.extend(record.getMessage().splitlines())
    runner.logger.addHandler(handler)
    runner.train()
    rows = [line.split() for line in lines]
    assert ['backbone', '12', '0', '0.0', '%'] in rows
    assert ['total', '17', '5', '29.4', '%'] in rows
