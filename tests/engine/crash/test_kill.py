"""``kill -9`` at random moments of a training by tools/train.py, and what comes of it."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmdet_medglip.engine.checkpoint_files import newest_whole
from tests.configs.conftest import seven_store
from tests.models.conftest import small_config, tiny_bert

__all__ = ['seven_store', 'tiny_bert']

EPOCHS = 3
RECORDER = '''
import hashlib, json
from pathlib import Path
from mmengine.hooks import Hook
from mmdet_medglip.registry import HOOKS


@HOOKS.register_module()
class SeenHook(Hook):
    """Write down the images of each step, and what was made of them."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        line = dict(
            epoch=runner.epoch,
            iteration=runner.iter,
            images=[sample.img_id for sample in data_batch['data_samples']],
            prompts=[list(sample.text) for sample in data_batch['data_samples']],
            pixels=[
                hashlib.sha256(image.numpy().tobytes()).hexdigest()
                for image in data_batch['inputs']
            ],
        )
        with Path(runner.work_dir, 'seen.jsonl').open('a') as file:
            file.write(json.dumps(line) + '\\n')
'''
CONFIG = """
_base_ = [
    '{configs}/_base_/datasets/med_grounding.py',
    '{configs}/_base_/schedules/adamw_6e.py',
    '{configs}/_base_/default_runtime.py',
]
custom_imports = dict(imports=['seen_hook'])
data_root = '{store}'
image_size = (64, 64)
sizes = dict(Resize=dict(scale=image_size), Pad=dict(size=image_size))
train_pipeline = [dict(t, **sizes.get(t['type'], {{}})) for t in _base_.train_pipeline]
train_pipeline.insert(5, dict(type='RandomSidedFlip'))
train_dataloader = dict(
    batch_size=4,
    num_workers={workers},
    persistent_workers={workers} > 0,
    dataset=dict(data_root=data_root, modalities=['ct', 'mri', 'fundus'], pipeline=train_pipeline),
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = test_cfg = test_evaluator = None
model = {model}
max_epochs = {epochs}
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = [
    _base_.param_scheduler[0], dict(_base_.param_scheduler[1], T_max=max_epochs, end=max_epochs)
]
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = [*_base_.custom_hooks, dict(type='SeenHook')]
randomness = dict(seed=5, deterministic=True)
"""


class TrainServer:
    """The process that forks trainings."""

    def __init__(self, repo_root, folder):
        env = {**os.environ, 'PYTHONPATH': f'{repo_root}:{folder}', 'OMP_NUM_THREADS': '1'}
        env['CUDA_VISIBLE_DEVICES'] = ''
        self.process = subprocess.Popen(
            [
                sys.executable,
                Path(__file__).with_name('train_server.py'),
                repo_root / 'tools/train.py',
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            cwd=folder,
        )

    def train(self, config, work_dir, *options, **when):
        """Run train.py; killed when that is asked for, else it must end well."""
        work_dir.mkdir(exist_ok=True)
        request = dict(
            argv=[str(config), '--work-dir', str(work_dir), *options],
            log=str(work_dir.with_suffix('.log')),
            work_dir=str(work_dir),
            **when,
        )
        self.process.stdin.write(json.dumps(request) + '\n')
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if not when:
            assert told == dict(code=0, signal=0), Path(request['log']).read_text()[-4000:]
        return told

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope='module')
def folder(tmp_path_factory, repo_root, seven_store, tiny_bert):
    """Configs ``0.py`` and ``1.py``, by their number of workers."""
    folder = tmp_path_factory.mktemp('kill')
    (folder / 'seen_hook.py').write_text(RECORDER)
    for workers in (0, 1):
        text = CONFIG.format(
            configs=repo_root / 'configs',
            store=seven_store,
            model=Config(dict(m=small_config(tiny_bert, ('ct', 'mri', 'fundus')))).m.to_dict(),
            epochs=EPOCHS,
            workers=workers,
        )
        (folder / f'{workers}.py').write_text(text)
    return folder


@pytest.fixture(scope='module')
def server(repo_root, folder):
    server = TrainServer(repo_root, folder)
    yield server
    server.close()


@pytest.fixture(scope='module')
def whole(server, folder):
    """Trainings that nobody interrupted."""
    for workers in (0, 1):
        server.train(folder / f'{workers}.py', folder / f'whole{workers}')
    return [folder / f'whole{workers}' for workers in (0, 1)]


def weights_of(work_dir):
    found = newest_whole(work_dir)
    assert found.path is not None
    assert found.faults == ()
    checkpoint = torch.load(found.path, weights_only=False)
    assert checkpoint['meta']['epoch'] == EPOCHS
    return checkpoint['state_dict'], checkpoint['optimizer']['state']


def seen(work_dir):
    """The steps that the final weights come from: of those that were made again, the last."""
    steps = {}
    for line in (work_dir / 'seen.jsonl').read_text().splitlines():
        step = json.loads(line)
        steps[step['iteration']] = step
    return [steps[number] for number in sorted(steps)]


def check_same(work_dir, whole):
    (weights, moments), (expected, old) = weights_of(work_dir), weights_of(whole)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    for key, state in old.items():
        assert all(torch.equal(moments[key][name], value) for name, value in state.items())
    assert seen(work_dir) == seen(whole)
    for epoch in range(EPOCHS):
        images = [i for step in seen(work_dir) if step['epoch'] == epoch for i in step['images']]
        assert len(images) == len(set(images)) == 12
    assert [path.name for path in work_dir.glob('*.pth*')] == [f'epoch_{EPOCHS}.pth']


def moments():
    """Twenty moments: half at changes of checkpoint files, half at any time."""
    draw = random.Random(9)
    for number in range(10):
        yield pytest.param(0, dict(events=draw.randint(1, 14)), id=f'file-{number}')
    for number in range(10):
        yield pytest.param(number % 2, dict(seconds=draw.uniform(0, 4)), id=f'time-{number}')


@pytest.mark.slow
@pytest.mark.parametrize(('workers', 'when'), list(moments()))
def test_killed_and_resumed_is_never_interrupted(server, folder, whole, workers, when, request):
    config, work_dir = folder / f'{workers}.py', folder / request.node.callspec.id
    told = server.train(config, work_dir, '--resume', **when)
    assert told['signal'] == 9 or 'seconds' in when
    server.train(config, work_dir, '--resume')
    check_same(work_dir, whole[workers])


@pytest.mark.slow
def test_epochs_differ_and_order_is_random(whole):
    """Not all that is equal is right: epochs must not repeat each other."""
    steps = seen(whole[0])
    first, second = ([s for s in steps if s['epoch'] == epoch] for epoch in (0, 1))
    assert [s['images'] for s in first] != [s['images'] for s in second]
    of_first = {i: p for s in first for i, p in zip(s['images'], s['pixels'], strict=True)}
    of_second = {i: p for s in second for i, p in zip(s['images'], s['pixels'], strict=True)}
    assert of_first.keys() == of_second.keys()
    assert all(of_first[image] != of_second[image] for image in of_first)


@pytest.mark.slow
def test_a_torn_newest_checkpoint_is_passed_over(server, folder, whole):
    work_dir = folder / 'torn'
    server.train(folder / '0.py', work_dir, '--cfg-options', 'train_cfg.max_epochs=2')
    (work_dir / 'epoch_3.pth').write_bytes((work_dir / 'epoch_2.pth').read_bytes()[:-100])
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_3.pth'))
    server.train(folder / '0.py', work_dir, '--resume')
    log = work_dir.with_suffix('.log').read_text()
    assert log.count('Damaged checkpoints are passed over') == 1
    assert f'{work_dir / "epoch_3.pth"}: it is cut off or damaged' in log
    check_same(work_dir, whole[0])
