"""A toy model and a runner that saves and resumes real checkpoints."""

import itertools
from collections import OrderedDict

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from mmdet_medglip.engine import use_safe_checkpoints

# The runner keeps one log per experiment name and process.
_NUMBERS = itertools.count()


class ToyModel(BaseModel):
    """Two linear layers named like a detector's parts."""

    def __init__(self, width=4):
        super().__init__()
        self.backbone = nn.Linear(2, width)
        self.bbox_head = nn.Linear(width, 1)

    def forward(self, inputs, mode='tensor'):
        loss = self.bbox_head(self.backbone(inputs)).pow(2).mean()
        return {'loss': loss} if mode == 'loss' else [loss]


@pytest.fixture
def toy_model():
    """The class, to be built with another width."""
    return ToyModel


@pytest.fixture
def safe_loader():
    """Install the safe loaders for one test."""
    before = OrderedDict(CheckpointLoader._schemes)
    use_safe_checkpoints()
    yield
    CheckpointLoader._schemes = before


@pytest.fixture
def make_runner(tmp_path):
    """Build a runner with AdamW, warm-up and cosine annealing in a work_dir of this test."""

    def make(max_epochs=4, model=None, **kwargs):
        kwargs = {
            'work_dir': str(tmp_path / 'work'),
            'train_dataloader': {
                'batch_size': 2,
                'sampler': {'type': 'DefaultSampler', 'shuffle': True},
                'dataset': [{'inputs': torch.full((2,), float(value))} for value in range(6)],
                'collate_fn': {'type': 'default_collate'},
            },
            'train_cfg': {'by_epoch': True, 'max_epochs': max_epochs},
            'optim_wrapper': {'optimizer': {'type': 'AdamW', 'lr': 0.01}},
            'param_scheduler': [
                {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'end': 3},
                {'type': 'CosineAnnealingLR', 'T_max': 4, 'by_epoch': True},
                {'type': 'MultiStepLR', 'milestones': [2, 3], 'by_epoch': True},
            ],
            'default_hooks': {'checkpoint': {'type': 'CheckpointHook', 'interval': 1}},
            'randomness': {'seed': 0},
            'default_scope': 'mmdet_medglip',
            'experiment_name': f'{tmp_path.name}_{next(_NUMBERS)}',
            **kwargs,
        }
        return Runner(model=model or ToyModel(), **kwargs)

    return make
