import re
import subprocess
import sys

import pytest

from mmdet_medglip.compatibility import (
    LINES,
    TESTED,
    IncompatibleVersionsError,
    check_versions,
    find_problems,
)


def versions_of(line: str) -> dict[str, str]:
    return {r.distribution: r.tested for r in (*LINES[line], *TESTED[line])}


@pytest.mark.parametrize('line', sorted(LINES))
def test_tested_versions_of_a_line_are_accepted(line):
    assert find_problems(versions_of(line).get) == []


@pytest.mark.parametrize(
    ('line', 'change', 'expected'),
    [
        pytest.param(
            'upstream', {'mmcv': '2.2.0'}, r'mmcv 2\.2\.0 .*mmcv>=2\.0\.1,<2\.2', id='too-new'
        ),
        pytest.param(
            'maintained',
            {'onedl-mmcv': '2.2.1'},
            r'onedl-mmcv 2\.2\.1 .*onedl-mmcv>=2\.3,<2\.4',
            id='too-old',
        ),
        pytest.param(
            'maintained', {'torch': '1.13.1'}, r'torch 1\.13\.1 .*torch>=2\.1', id='torch'
        ),
        pytest.param('maintained', {'torch': 'dev-build'}, 'torch dev-build', id='unreadable'),
        pytest.param(
            'maintained',
            {'onedl-mmdetection': None},
            'onedl-mmdetection is not installed',
            id='missing',
        ),
        pytest.param(
            'maintained', {'mmdet': '3.3.0'}, 'lines are installed over each other', id='two-lines'
        ),
        pytest.param(
            'upstream',
            {'mmcv': None, 'onedl-mmcv': '2.3.6'},
            'lines are installed over each other',
            id='mixed-line',
        ),
        pytest.param(
            'upstream', {'mmcv-lite': '2.1.0'}, 'mmcv-lite 2.1.0 .*no compiled ops', id='lite'
        ),
    ],
)
def test_a_wrong_package_is_named_with_its_fix(line, change, expected):
    versions = {**versions_of(line), **change}
    with pytest.raises(IncompatibleVersionsError, match=expected) as error:
        check_versions(versions.get)
    assert 'make setup' in str(error.value)
    assert 'requirements/' in str(error.value)


def test_nothing_installed_names_every_package_of_the_default_line():
    problems = find_problems({}.get)
    assert len(problems) == len(LINES['maintained']) + len(TESTED['maintained'])
    assert all('is not installed' in problem for problem in problems)


def test_local_version_labels_are_accepted():
    versions = {**versions_of('maintained'), 'torch': '2.11.0+cu130'}
    assert find_problems(versions.get) == []


@pytest.mark.parametrize(
    ('line', 'file'),
    [('maintained', 'openmmlab.txt'), ('upstream', 'openmmlab-upstream.txt')],
)
def test_requirement_files_pin_the_tested_versions(line, file, repo_root):
    pins = {}
    for name in (file, 'torch.txt', 'runtime.txt'):
        text = (repo_root / 'requirements' / name).read_text()
        pins |= dict(re.findall(r'^([\w-]+)==([\w.]+)', text, re.MULTILINE))
    for requirement in (*LINES[line], *TESTED[line]):
        assert pins[requirement.distribution] == requirement.tested


def test_setup_never_requires_an_openmmlab_package(repo_root):
    block = re.search(
        r'install_requires=\[(.*?)\]', (repo_root / 'setup.py').read_text(), re.DOTALL
    )
    names = re.findall(r"'([a-zA-Z0-9_-]+)", block.group(1))
    assert len(names) > 5
    assert not [name for name in names if re.match(r'(onedl-)?mm', name)]


def test_import_stops_with_one_message_when_a_package_does_not_fit(repo_root):
    script = (
        'import importlib.metadata as metadata\n'
        'real = metadata.version\n'
        "metadata.version = lambda n: '9.9' if n.endswith(('mmdetection', 'mmdet')) else real(n)\n"
        'import mmdet_medglip\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', script], cwd=repo_root, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert 'IncompatibleVersionsError' in result.stderr
    assert '9.9 is installed, required is' in result.stderr
