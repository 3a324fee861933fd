import argparse
import os

import pytest
from mmengine.config import Config

from mmdet_medglip.engine import launch


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / 'configs' / 'group' / 'name.py'
    path.parent.mkdir(parents=True)
    path.write_text("data_root = 'store/'\ndataset = dict(data_root=data_root)\n")
    return path


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ('RANK', 'LOCAL_RANK'):
        monkeypatch.delenv(name, raising=False)


def parse(*arguments):
    parser = argparse.ArgumentParser()
    launch.add_common_options(parser)
    return parser.parse_args([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        pytest.param([], 'work_dirs/group/name', id='mirrors-configs'),
        pytest.param(['--cfg-options', 'work_dir=mine'], 'mine', id='config'),
        pytest.param(
            ['--work-dir', 'named', '--cfg-options', 'work_dir=mine'], 'named', id='option-first'
        ),
    ],
)
def test_work_dir_is_the_option_then_the_config_then_its_path(config_file, arguments, expected):
    assert launch.read_config(parse(config_file, *arguments)).work_dir == expected


def test_options_reach_the_config(config_file):
    arguments = ['--launcher', 'slurm', '--local-rank', '3', '--cfg-options', 'data_root=mine']
    config = launch.read_config(parse(config_file, *arguments))
    assert config.launcher == 'slurm'
    assert config.dataset.data_root == 'mine'
    assert os.environ['LOCAL_RANK'] == '3'


@pytest.mark.parametrize(('rank', 'expected'), [('0', True), ('1', False)], ids=['first', 'second'])
def test_rank_zero_is_the_main_process_before_the_group_exists(monkeypatch, rank, expected):
    monkeypatch.setenv('RANK', rank)
    assert launch.is_main_process() is expected
    assert launch.is_main_process('pytorch') is expected


@pytest.mark.parametrize(
    ('launcher', 'variable'), [('slurm', 'SLURM_PROCID'), ('mpi', 'OMPI_COMM_WORLD_RANK')]
)
def test_the_launcher_says_where_the_rank_is(monkeypatch, launcher, variable):
    """A plain run within a job has these variables too, and holds its folder itself."""
    monkeypatch.delenv('RANK', raising=False)
    for rank, expected in (('0', True), ('1', False)):
        monkeypatch.setenv(variable, rank)
        assert launch.is_main_process(launcher) is expected
        assert launch.is_main_process() is True


@pytest.mark.parametrize(
    ('launcher', 'device', 'expected'),
    [
        pytest.param('pytorch', 'cpu', True, id='cpu-needs-gloo'),
        pytest.param('pytorch', 'cuda', False, id='gpu-is-mmengines'),
        pytest.param('none', 'cpu', False, id='single-process'),
    ],
)
def test_gloo_is_used_where_there_is_no_accelerator(monkeypatch, launcher, device, expected):
    started = []
    monkeypatch.setattr(launch, 'get_device', lambda: device)
    monkeypatch.setattr(launch.torch.distributed, 'init_process_group', started.append)
    config = Config(dict(launcher=launcher, find_unused_parameters=True))
    launch._use_gloo(config)
    assert started == (['gloo'] if expected else [])
    if expected:
        assert config.model_wrapper_cfg.device_ids is None
        assert config.model_wrapper_cfg.find_unused_parameters is True
    else:
        assert 'model_wrapper_cfg' not in config


def test_leaving_without_a_process_group_does_nothing():
    launch.leave_process_group()
