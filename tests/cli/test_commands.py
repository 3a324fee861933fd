"""The commands that are programs of tools/, doctor and demo."""

import json
import shutil
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from mmdet_medglip.apis import ModelFiles
from mmdet_medglip.cli import doctor_command, tool_commands
from mmdet_medglip.cli.main import main
from mmdet_medglip.cli.tool_commands import TOOLS, load_tool, run_tool, tools_folder
from mmdet_medglip.packaging.shipped_model import shipped_model


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


def test_doctor_prints_a_table_of_checks_and_one_of_libraries(capsys):
    main(['doctor'])
    told = capsys.readouterr().out
    assert 'Checks' in told
    assert 'Libraries for some uses' in told


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


def test_doctor_looks_at_a_packed_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check = load_tool('check_env').Check
    (whole,) = doctor_command._config_checks(check, 'demo')
    assert (whole.name, whole.fix) == ('packed model', '')
    assert str(shipped_model()) in whole.result
    shutil.copytree(shipped_model(), tmp_path / 'changed')
    (tmp_path / 'changed' / 'labels.json').write_text('[]')
    (wrong,) = doctor_command._config_checks(check, 'changed')
    assert 'labels.json' in wrong.fix


def test_a_vocabulary_that_is_not_utf_8_is_named(tmp_path, capsys):
    words = tmp_path / 'latin1.txt'
    words.write_bytes('œdème'.encode('cp1252'))
    assert main(['lint-prompt', 'liver', '--vocabulary', str(words)]) == 1
    assert f'{words} is not UTF-8; save it as UTF-8' in capsys.readouterr().err


def test_the_demo_model_finds_the_organs_of_a_phantom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(['demo', '--json', '--device', 'cpu']) == 0
    told = json.loads(capsys.readouterr().out)
    found = {one['phrase']: one['iou'] for one in told['phrases']}
    assert {'liver', 'spleen', 'left kidney', 'right kidney', 'aorta'} <= set(found)
    assert min(found[name] for name in ('liver', 'spleen', 'left kidney', 'right kidney')) > 0.5
    assert Image.open(tmp_path / 'medglip_demo.png').width > 256


def test_a_file_named_demo_comes_before_the_demo_model(tmp_path, monkeypatch):
    assert ModelFiles('demo').config == str(shipped_model())
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'demo').mkdir()
    with pytest.raises(FileNotFoundError, match=r'demo'):
        ModelFiles('demo').read()
    assert ModelFiles('demo').config == 'demo'


def test_the_demo_model_is_small():
    files = list(shipped_model().rglob('*'))
    assert sum(path.stat().st_size for path in files) < 20e6
