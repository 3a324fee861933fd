from types import SimpleNamespace

import pytest

from mmdet_medglip import compatibility


@pytest.fixture
def check_env(load_tool):
    return load_tool('check_env.py')


def test_this_environment_fits(check_env, capsys):
    assert check_env.main() == 0
    output = capsys.readouterr().out
    for requirement in compatibility.LINES['maintained']:
        assert requirement.tested in output
    assert 'This environment fits.' in output


def test_a_wrong_version_exits_with_one_and_the_fix(check_env, capsys, monkeypatch):
    def find(distribution):
        return '1.0' if distribution == 'torch' else compatibility.installed_version(distribution)

    table = SimpleNamespace(
        **{name: getattr(compatibility, name) for name in ('LINES', 'TESTED', 'FIX')},
        installed_version=find,
        find_problems=lambda: compatibility.find_problems(find),
    )
    monkeypatch.setattr(check_env, 'load_compatibility', lambda: table)
    assert check_env.main() == 1
    output = ' '.join(capsys.readouterr().out.split())
    assert 'wrong: torch 1.0 is installed, required is torch>=2.1' in output
    assert 'make setup' in output


def test_ops_that_do_not_load_name_the_fix(check_env, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'mmcv.ops', None)
    check = check_env.check_ops()
    assert 'mmcv.ops' in check.result
    assert 'build mmcv again' in check.fix


def test_an_import_that_fails_names_the_fix(check_env):
    check = check_env.check_import('no_such_module_here', 'encoder', 'do this')
    assert check.fix == 'do this'
    assert 'no_such_module_here' in check.result
