"""A training that dies at any moment of writing a checkpoint goes on as if it had not."""

import errno
import os
from pathlib import Path

import pytest
import torch

from mmdet_medglip.engine import use_safe_checkpoints
from mmdet_medglip.engine.checkpoint_files import checkpoint_fault, newest_whole
from mmdet_medglip.engine.durable_backend import DurableBackend
from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.registry import HOOKS
from mmdet_medglip.store import durable

CHECKPOINT = dict(type='DurableCheckpointHook', interval=1, max_keep_ckpts=1)


class KilledError(BaseException):
    """Stands for a kill: nothing but ``finally`` sees it."""


@pytest.fixture
def make(make_runner, safe_loader):
    def build(work_dir, epochs=4, **kwargs):
        return make_runner(
            epochs,
            work_dir=str(work_dir),
            default_hooks=dict(checkpoint=kwargs.pop('checkpoint', CHECKPOINT)),
            custom_hooks=[dict(type='EpochSeedHook')],
            **kwargs,
        )

    return build


def weights(runner):
    return torch.cat([value.flatten() for value in runner.model.state_dict().values()])


def dying(monkeypatch, module, name, at):
    """Let the ``at``-th call of a function kill before it does anything."""
    calls, real = [], getattr(module, name)

    def call(*args, **kwargs):
        calls.append(args)
        if len(calls) == at:
            raise KilledError
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, call)
    return calls


@pytest.mark.parametrize('at', [1, 2, 3])
@pytest.mark.parametrize(
    ('module', 'name'),
    [
        pytest.param(durable.os, 'fsync', id='while-writing'),
        pytest.param(durable.os, 'replace', id='before-it-has-its-name'),
        pytest.param(durable, 'sync', id='before-the-pointer'),
        pytest.param(Path, 'unlink', id='before-the-older-is-removed'),
    ],
)
def test_a_kill_at_each_step_of_writing(make, tmp_path, monkeypatch, module, name, at):
    torch.manual_seed(3)
    whole = make(tmp_path / 'whole')
    whole.train()
    torch.manual_seed(3)
    cut = make(tmp_path / 'cut')
    with monkeypatch.context() as patch:
        dying(patch, module, name, at)
        with pytest.raises(KilledError):
            cut.train()
    found = newest_whole(tmp_path / 'cut')
    assert found.faults == ()
    if found.path is None:
        assert at == 1
    else:
        assert checkpoint_fault(found.path) is None
    torch.manual_seed(3)
    again = make(
        tmp_path / 'cut', resume=found.path is not None, load_from=found.path and str(found.path)
    )
    again.train()
    assert torch.equal(weights(again), weights(whole))
    names = sorted(path.name for path in (tmp_path / 'cut').glob('*.pth*'))
    assert names == ['epoch_4.pth']
    assert not list((tmp_path / 'cut').glob('.*.partial'))


def test_a_full_disk_is_one_error_and_the_earlier_checkpoint_is_whole(make, tmp_path, monkeypatch):
    runner = make(tmp_path / 'work')
    real = os.fsync

    def fsync(handle):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, 'No space left on device')
        real(handle)

    written = []
    put = DurableBackend.put

    def counted(self, obj, path):
        written.append(path)
        put(self, obj, path)

    monkeypatch.setattr(DurableBackend, 'put', counted)
    monkeypatch.setattr(durable.os, 'fsync', fsync)
    with pytest.raises(
        TrainingStoppedError, match=r'No space left .* make room .* --resume'
    ) as told:
        runner.train()
    assert str(tmp_path / 'work') in str(told.value)
    found = newest_whole(tmp_path / 'work')
    assert (found.path.name, found.faults) == ('epoch_1.pth', ())
    assert not list((tmp_path / 'work').glob('.*.partial'))


def test_what_a_killed_run_left_is_swept(make, tmp_path):
    work = tmp_path / 'work'
    work.mkdir()
    (work / '.epoch_3.pth.partial').write_bytes(b'half')
    make(work, epochs=1).train()
    assert not list(work.glob('.*.partial'))


def test_files_are_removed_when_the_new_one_is_there(tmp_path):
    backend = DurableBackend()
    old, new = tmp_path / 'old', tmp_path / 'new'
    old.write_bytes(b'1')
    with backend.removing_later():
        backend.remove(old)
        assert old.exists()
        with backend.removing_later():
            backend.put(b'2', new)
        assert old.exists()
    assert (old.exists(), new.read_bytes()) == (False, b'2')
    with pytest.raises(KilledError), backend.removing_later():
        backend.remove(new)
        raise KilledError
    assert new.exists()
    with backend.removing_later():
        backend.remove(new)
        backend.put(b'3', new)
    assert new.read_bytes() == b'3'
    backend.remove(new)
    assert not new.exists()


def test_checkpoints_within_epochs_are_refused(make, tmp_path):
    runner = make(tmp_path / 'w', checkpoint=dict(CHECKPOINT, by_epoch=False))
    with pytest.raises(ValueError, match='would begin the epoch anew'):
        runner.train()


def test_other_backends_are_refused():
    use_safe_checkpoints()
    with pytest.raises(ValueError, match='type=CheckpointHook'):
        HOOKS.build(dict(type='DurableCheckpointHook', backend_args=dict(backend='petrel')))
