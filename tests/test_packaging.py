import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope='module')
def wheel(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of a copy of the checkout, so that no build output lands in it."""
    source = tmp_path_factory.mktemp('source') / 'repo'
    keep = ('mmdet_medglip', 'configs', 'tools')
    ignore = shutil.ignore_patterns('__pycache__')
    for name in keep:
        if (repo_root / name).is_dir():
            shutil.copytree(repo_root / name, source / name, ignore=ignore)
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(repo_root / name, source / name)
    out = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation']
    result = subprocess.run([*command, '-w', str(out), str(source)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return zipfile.ZipFile(next(out.glob('mmdet_medglip-*.whl')))


def files_of(repo_root: Path, folder: str, *suffixes: str) -> set[str]:
    return {
        str(path.relative_to(repo_root))
        for path in (repo_root / folder).rglob('*')
        if path.suffix in suffixes and '__pycache__' not in path.parts
    }


def test_wheel_carries_every_config_and_tool_for_mim(wheel, repo_root):
    expected = files_of(repo_root, 'configs', '.py') | files_of(repo_root, 'tools', '.py', '.sh')
    assert expected
    assert {f'mmdet_medglip/.mim/{name}' for name in expected} <= set(wheel.namelist())


def test_wheel_carries_every_module_and_data_file(wheel, repo_root):
    expected = files_of(repo_root, 'mmdet_medglip', '.py', '.yaml', '.json')
    assert 'mmdet_medglip/ontology/labels.yaml' in expected
    assert expected <= set(wheel.namelist())


def test_wheel_carries_neither_tests_nor_caches(wheel):
    assert not [
        name for name in wheel.namelist() if name.startswith('tests/') or '__pycache__' in name
    ]


def test_wheel_requires_no_openmmlab_package(wheel):
    name = next(name for name in wheel.namelist() if name.endswith('METADATA'))
    required = [
        line.split(': ')[1]
        for line in wheel.read(name).decode().splitlines()
        if line.startswith('Requires-Dist: ')
    ]
    assert any(line.startswith('torch') for line in required)
    assert not [line for line in required if line.startswith(('mm', 'onedl'))]


def test_installed_wheel_imports_outside_the_checkout(wheel, tmp_path):
    wheel.extractall(tmp_path)
    script = 'import mmdet_medglip; print(mmdet_medglip.__file__)'
    result = subprocess.run(
        [sys.executable, '-c', script], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / 'mmdet_medglip' / '__init__.py')


def test_check_env_runs_from_the_installed_folder(wheel, tmp_path):
    wheel.extractall(tmp_path)
    tool = tmp_path / 'mmdet_medglip' / '.mim' / 'tools' / 'check_env.py'
    result = subprocess.run(
        [sys.executable, str(tool)], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_folder_has_an_init_file(repo_root):
    folders = {path.parent for path in (repo_root / 'mmdet_medglip').rglob('*.py')}
    missing = [str(folder) for folder in folders if not (folder / '__init__.py').is_file()]
    assert not missing
