import os
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmdet_medglip.engine import checkpoint as checkpoint_module
from mmdet_medglip.engine import load_checkpoint, use_safe_checkpoints


class RunsCode:
    """Writes a file when it is unpickled in the ordinary way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Reaches:
    """Calls getattr when it is unpickled."""

    def __init__(self, owner, name):
        self.call = (owner, name)

    def __reduce__(self):
        return getattr, self.call


@pytest.fixture(params=['weights_only', 'restricted_pickle'])
def loader_kind(request, monkeypatch):
    """Both ways of reading: of this torch, and of torch < 2.6."""
    if request.param == 'restricted_pickle':
        monkeypatch.setattr(checkpoint_module, '_has_named_globals', lambda: False)
    return request.param


@pytest.mark.usefixtures('loader_kind')
@pytest.mark.parametrize(
    'value',
    [
        pytest.param(torch.arange(6.0).reshape(2, 3), id='tensor'),
        pytest.param(torch.nn.Parameter(torch.ones(2)), id='parameter'),
        pytest.param(torch.ones(2, dtype=torch.bfloat16), id='bfloat16'),
        pytest.param(np.arange(4, dtype=np.int64), id='numpy-int64'),
        pytest.param(np.float32(0.5), id='numpy-scalar'),
        pytest.param(np.array([True, False]), id='numpy-bool'),
        pytest.param({'a': [1, 2.0, 'x', None], 'b': (1,), 'c': {1, 2}}, id='plain'),
        pytest.param(OrderedDict(a=1), id='ordered-dict'),
    ],
)
def test_what_a_checkpoint_may_hold(tmp_path, value):
    torch.save({'value': value}, tmp_path / 'a.pth')
    loaded = load_checkpoint(tmp_path / 'a.pth')['value']
    assert type(loaded) is type(value)
    if isinstance(value, torch.Tensor):
        assert torch.equal(loaded, value)
    else:
        assert np.array_equal(loaded, value) if hasattr(value, 'shape') else loaded == value


@pytest.mark.usefixtures('loader_kind')
def test_log_history_survives(tmp_path):
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    torch.save({'message_hub': {'log_scalars': {'loss': buffer}}}, tmp_path / 'a.pth')
    loaded = load_checkpoint(tmp_path / 'a.pth')['message_hub']['log_scalars']['loss']
    assert loaded.mean() == 2.0


@pytest.mark.usefixtures('loader_kind')
def test_numpy_1_names_are_read(tmp_path):
    """A pickle of NumPy 1 names numpy.core, one of NumPy 2 numpy._core."""
    legacy = tmp_path / 'old.pth'
    torch.save(
        {'value': np.arange(3.0)}, legacy, _use_new_zipfile_serialization=False, pickle_protocol=2
    )
    content = legacy.read_bytes()
    assert b'numpy._core.multiarray\n' in content or b'numpy.core.multiarray\n' in content
    legacy.write_bytes(content.replace(b'numpy._core.multiarray\n', b'numpy.core.multiarray\n'))
    assert load_checkpoint(legacy)['value'].tolist() == [0, 1, 2]


@pytest.mark.usefixtures('loader_kind')
def test_code_in_a_file_is_refused_and_not_run(tmp_path):
    torch.save({'state_dict': {}, 'meta': RunsCode(tmp_path / 'ran')}, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match=r'bad\.pth holds \w+\.mkdir, which is not allowed'):
        load_checkpoint(tmp_path / 'bad.pth')
    assert not (tmp_path / 'ran').exists()


@pytest.mark.usefixtures('loader_kind')
def test_getattr_reaches_the_methods_of_a_history_alone(tmp_path):
    """The gadget that mmengine's own list of allowed types leaves open."""
    torch.save({'meta': Reaches(HistoryBuffer, '__init__')}, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match=r'holds builtins\.getattr, which is not allowed'):
        load_checkpoint(tmp_path / 'bad.pth')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        pytest.param(b'', 'truncated or damaged', id='empty'),
        pytest.param(b'<html>no such file</html>', 'not a PyTorch checkpoint', id='html'),
        pytest.param(None, 'truncated or damaged', id='cut-in-half'),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, message):
    path = tmp_path / 'x.pth'
    torch.save({'state_dict': {'w': torch.ones(100)}}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ValueError, match=rf'x\.pth is .*{message}|x\.pth is {message}'):
        load_checkpoint(path)


def test_a_file_without_a_dict_is_named(tmp_path):
    torch.save([torch.ones(1)], tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r'x\.pth holds a list, expected a dict'):
        load_checkpoint(tmp_path / 'x.pth')


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        pytest.param('epoch_9.pth', r'has epoch_1\.pth', id='names-those-beside'),
        pytest.param('none/a.pth', 'does not exist either', id='no-folder'),
        pytest.param('empty/a.pth', 'train first with tools/train.py', id='empty-folder'),
        pytest.param('empty', 'it is a folder', id='a-folder'),
    ],
)
def test_a_missing_file_says_what_is_there(tmp_path, name, message):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'epoch_1.pth').touch()
    with pytest.raises(FileNotFoundError, match=message):
        load_checkpoint(tmp_path / name)


@pytest.mark.usefixtures('safe_loader')
def test_mmengine_refuses_code_too(tmp_path):
    torch.save({'meta': RunsCode(tmp_path / 'ran')}, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match='not allowed in a checkpoint'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'bad.pth'))
    assert not (tmp_path / 'ran').exists()


@pytest.mark.usefixtures('safe_loader')
def test_downloads_are_read_safely(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'home'))
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    cache = tmp_path / 'home' / 'hub' / 'checkpoints'
    cache.mkdir(parents=True)
    torch.save({'state_dict': {'w': torch.ones(1)}}, cache / 'good.pth')
    torch.save({'meta': RunsCode(tmp_path / 'ran')}, cache / 'bad.pth')
    good = CheckpointLoader.load_checkpoint('https://example.org/good.pth')
    assert good['state_dict']['w'].item() == 1
    with pytest.raises(ValueError, match=r'example\.org/bad\.pth holds'):
        CheckpointLoader.load_checkpoint('https://example.org/bad.pth')
    assert not (tmp_path / 'ran').exists()
    assert os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] == '1'
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ


@pytest.mark.usefixtures('safe_loader')
def test_calling_it_twice_changes_nothing():
    before = dict(CheckpointLoader._schemes)
    use_safe_checkpoints()
    assert dict(CheckpointLoader._schemes) == before


@pytest.mark.usefixtures('safe_loader', 'loader_kind')
@pytest.mark.parametrize('hooks', [[], [{'type': 'EMAHook'}]], ids=['plain', 'ema'])
def test_runner_saves_and_resumes(make_runner, tmp_path, hooks):
    """A run resumed in the middle goes on with its schedule, optimizer and log."""
    whole = make_runner(max_epochs=4, work_dir=str(tmp_path / 'whole'), custom_hooks=hooks)
    whole.train()
    resumed = make_runner(
        max_epochs=4,
        work_dir=str(tmp_path / 'resumed'),
        custom_hooks=[*hooks, {'type': 'CheckpointMatchHook'}],
        resume=True,
        load_from=str(tmp_path / 'whole' / 'epoch_2.pth'),
    )
    resumed.train()
    assert (resumed.epoch, resumed.iter) == (4, 12)
    assert resumed.optim_wrapper.get_lr() == whole.optim_wrapper.get_lr()
    losses = resumed.message_hub.get_scalar('train/loss').data[0]
    assert len(losses) == 12
    for name, weight in whole.model.state_dict().items():
        assert torch.allclose(weight, resumed.model.state_dict()[name], atol=1e-6), name


def test_the_module_import_changes_nothing():
    code = (
        'from mmengine.runner import CheckpointLoader as C; before = dict(C._schemes)\n'
        'import mmdet_medglip.engine; assert dict(C._schemes) == before'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def _legacy(tmp_path):
    path = tmp_path / 'old.pth'
    content = {'state_dict': {'w': torch.ones(3)}, 'meta': {'note': 'x' * 300}}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        pytest.param(b'X,\x01\x00\x00', b'X\xff\xff\xff\x7f', id='announces-2-GB-of-text'),
        pytest.param(b'X,\x01\x00\x00', b'X,\x01\xff\x00', id='announces-more-than-there-is'),
        pytest.param(b'note', b'\xff\xfe\xfd\xfc', id='no-utf-8'),
        pytest.param(b'q\x00', b'00', id='empty-stack'),
    ],
)
def test_damage_inside_the_older_form_is_named(tmp_path, old, new):
    path = _legacy(tmp_path)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    with pytest.raises((ValueError, OSError), match=r'old\.pth'):
        load_checkpoint(path)
