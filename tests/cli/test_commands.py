"""The commands that are programs of tools/, doctor and demo."""

import json
import sys
from types import SimpleNamespace

import pytest

from mmdet_medglip.cli import demo_command, doctor_command, tool_commands
from mmdet_medglip.cli.main import main
from mmdet_medglip.cli.tool_commands import TOOLS, load_tool, run_tool, tools_folder


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        main(['--help'])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for name in (*TOOLS, 'predict', 'demo', 'doctor', 'lint-prompt', 'list-labels'):
        assert name in text


def test_a_command_that_is_none_is_2(capsys):
    with pytest.raises(SystemExit) as end:
        main(['predct'])
    assert end.value.code == 2
    assert 'invalid choice' in capsys.readouterr().err


def test_programs_are_those_of_the_checkout(repo_root):
    assert tools_folder() == repo_root / 'tools'
    for name in TOOLS:
        assert (repo_root / 'tools' / f'{name}.py').is_file()


@pytest.mark.parametrize('name', ['benchmark', 'ingest'])
def test_a_program_has_its_own_help_under_our_name(name, capsys):
    assert main([name, '--help']) == 0
    assert f'usage: medglip {name}' in capsys.readouterr().out
    before = sys.argv
    assert main([name, '--no-such-option']) == 2
    assert sys.argv is before


def test_a_program_that_says_what_is_wrong(monkeypatch, capsys):
    def stop():
        raise SystemExit('error: no data')

    monkeypatch.setattr(tool_commands, 'load_tool', lambda name: SimpleNamespace(main=stop))
    assert run_tool('train', []) == 1
    assert capsys.readouterr().err == 'error: no data\n'


def test_a_missing_program_is_one_error():
    with pytest.raises(FileNotFoundError, match=r'no program .*nothing\.py'):
        load_tool('nothing')


def test_doctor(capsys):
    status = main(['doctor', '--json'])
    found = json.loads(capsys.readouterr().out)
    assert status == int(not found['fits'])
    assert {'Python', 'mmcv ops', 'DICOM decoders', 'tokenizer', 'disk'} <= {
        check['name'] for check in found['checks']
    }
    assert {'supervision', 'highdicom'} <= {one['library'] for one in found['optional']}


def test_doctor_looks_at_a_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check = load_tool('check_env').Check
    checks = doctor_command._config_checks(
        check, str(tools_folder().parent / 'configs/medglip/ct.py')
    )
    told = {one.name: one for one in checks}
    assert 'make_demo_data.py' in told['data'].fix
    assert told['starting weights'].fix == ''
    assert 'tools/train.py' in told['checkpoint'].fix
    (wrong,) = doctor_command._config_checks(check, 'no.py')
    assert 'does not exist' in wrong.fix


def test_demo_without_a_model_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['demo']) == 1
    assert 'make demo' in capsys.readouterr().err


def test_demo_finds_a_packed_model_before_a_trained_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert demo_command.find_demo_model(tmp_path) is None
    trained = tmp_path / 'work_dirs' / 'medglip' / 'ct'
    trained.mkdir(parents=True)
    (trained / 'last_checkpoint').touch()
    assert demo_command.find_demo_model(tmp_path) == (
        tmp_path / 'configs' / 'medglip' / 'ct.py', None,
    )  # fmt: skip
    packed = tmp_path / 'demo_model'
    packed.mkdir()
    (packed / 'config.py').touch()
    (packed / 'weights.pth').touch()
    assert demo_command.find_demo_model(tmp_path) == (
        packed / 'config.py', packed / 'weights.pth',
    )  # fmt: skip
