"""A toy model and data set, so that the programs run in seconds."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOY = """
import torch
from mmengine.dist import get_rank
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel

from mmdet_medglip.registry import DATASETS, METRICS, MODELS


@MODELS.register_module()
class ToyModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        inputs = torch.stack(inputs)
        if mode == 'loss':
            return dict(loss=(self.linear(inputs) - 1).square().mean())
        return [dict(score=score) for score in self.linear(inputs).squeeze(1)]


@DATASETS.register_module()
class ToyDataset(torch.utils.data.Dataset):
    def __init__(self, data_root):
        self.values = [float(line) for line in open(f'{data_root}/values.txt')]

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return dict(inputs=torch.tensor([self.values[index], 1.0]))


@METRICS.register_module()
class ToyMetric(BaseMetric):
    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        self.results += [float(sample['score']) for sample in data_samples]

    def compute_metrics(self, results):
        return {'AP50': sum(results), 'ct/AP50': 1.0, 'count': len(results)}
"""

CONFIG = """
custom_imports = dict(imports=['toy'])
default_scope = 'mmdet_medglip'
data_root = 'data/demo/store/'
model = dict(type='ToyModel')
dataset = dict(type='ToyDataset', data_root=data_root)
sampler = dict(type='DefaultSampler', shuffle=False)
train_dataloader = dict(batch_size=2, num_workers=0, sampler=sampler, dataset=dataset)
val_dataloader = train_dataloader
test_dataloader = train_dataloader
val_evaluator = dict(type='ToyMetric')
test_evaluator = val_evaluator
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
auto_scale_lr = dict(enable=False, base_batch_size=4)
default_hooks = dict(logger=dict(type='LoggerHook', interval=1))
randomness = dict(seed=0)
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Folder with a toy config ``configs/toy.py`` and eight numbers of data in ``store``."""
    (tmp_path / 'toy.py').write_text(TOY)
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / 'toy.py').write_text(CONFIG)
    (tmp_path / 'store').mkdir()
    (tmp_path / 'store' / 'values.txt').write_text('\n'.join(map(str, range(8))))
    return tmp_path


@pytest.fixture
def call(toy: Path, repo_root: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a command of tools/ in the toy folder; ``call('train.py', 'configs/toy.py', ...)``."""

    def run(tool: str, *arguments: str) -> subprocess.CompletedProcess:
        path = repo_root / 'tools' / tool
        program = ['bash'] if path.suffix == '.sh' else [sys.executable]
        env = {
            **os.environ,
            'PYTHONPATH': str(toy),
            'PYTHON': sys.executable,
            'OMP_NUM_THREADS': '1',
            'CUDA_VISIBLE_DEVICES': '',
        }
        return subprocess.run(
            [*program, str(path), *arguments], cwd=toy, env=env, capture_output=True, text=True
        )

    return run


@pytest.fixture
def load_tool(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a program of tools/ as a module."""

    # As when Python runs the file: programs of tools/ find each other.
    monkeypatch.syspath_prepend(str(repo_root / 'tools'))

    def load(name: str) -> ModuleType:
        path = repo_root / 'tools' / name
        spec = importlib.util.spec_from_file_location(f'tools_{path.stem}', path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load
