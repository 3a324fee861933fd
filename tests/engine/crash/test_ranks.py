"""A process of a distributed training dies: the job ends at once, or goes on where it was."""

import time

import pytest
import torch

from tests.tools.conftest import call, toy

__all__ = ['call', 'toy']

HOOK = '''
import os, signal
from pathlib import Path
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmdet_medglip.registry import HOOKS


@HOOKS.register_module()
class Die(Hook):
    """Kill rank 1 in the second epoch, the first DEATHS times that it comes there."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        deaths = len(list(Path().glob('died-*')))
        if get_rank() == 1 and runner.iter == 3 and deaths < int(os.environ['DEATHS']):
            Path(f'died-{deaths}').touch()
            os.kill(os.getpid(), signal.SIGKILL)
'''
MORE = """
custom_imports = dict(imports=['toy', 'die'])
default_hooks = dict(checkpoint=dict(type='DurableCheckpointHook', interval=1, max_keep_ckpts=1))
custom_hooks = [dict(type='EpochSeedHook'), dict(type='NonFiniteLossHook'), dict(type='Die')]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dataset
)
val_dataloader = val_cfg = val_evaluator = None
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=4)
"""
RUN = ('configs/toy.py', '2', '--resume', '--cfg-options', 'data_root=store')


@pytest.fixture
def job(toy, call, monkeypatch):
    """Run dist_train.sh in the toy folder: ``job('folder', port, deaths)``."""
    (toy / 'die.py').write_text(HOOK)
    with (toy / 'configs' / 'toy.py').open('a') as file:
        file.write(MORE)

    def run(folder, port, deaths=0, restarts=0):
        for name, value in dict(PORT=port, DEATHS=deaths, MAX_RESTARTS=restarts).items():
            monkeypatch.setenv(name, str(value))
        return call('dist_train.sh', *RUN, '--work-dir', str(toy / folder))

    return run


def weights(folder):
    return torch.load(folder / 'epoch_4.pth', weights_only=False)['state_dict']


@pytest.mark.slow
def test_a_dead_rank_ends_the_job(job, toy):
    ended = job('dies', 29631, deaths=1)
    seconds = time.time() - (toy / 'died-0').stat().st_mtime
    assert ended.returncode != 0
    assert seconds < 60  # torchrun looks every few seconds, and ends the others.
    assert 'SIGKILL' in ended.stderr
    assert [path.name for path in (toy / 'dies').glob('*.pth')] == ['epoch_1.pth']


@pytest.mark.slow
def test_elastic_restarts_go_on_to_the_same_weights(job, toy):
    # Several, since processes that find the addresses of the start before fail in some, not all.
    restarted = job('restarts', 29632, deaths=4, restarts=4)
    assert restarted.returncode == 0, restarted.stderr[-3000:]
    told = restarted.stdout + restarted.stderr
    assert len(list(toy.glob('died-*'))) == 4
    assert told.count('resumed epoch: 1') >= 4
    assert 'Epoch(train) [4]' in told

    whole = job('whole', 29633)
    assert whole.returncode == 0, whole.stderr[-3000:]
    expected, found = weights(toy / 'whole'), weights(toy / 'restarts')
    assert all(torch.equal(found[name], value) for name, value in expected.items())
