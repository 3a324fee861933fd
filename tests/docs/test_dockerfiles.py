"""The Docker files, read: no daemon is asked.

What they copy is there and reaches the builder, their versions are the tested ones, they set up by
``tools/setup_env.py``, run as an ordinary user and carry no secrets.
"""

from __future__ import annotations

import fnmatch
import importlib.metadata
import re
import shlex
from pathlib import Path

import pytest

from mmdet_medglip.compatibility import LINES, TESTED

KINDS = ('cpu', 'gpu')
PYTHON_OF = {'ubuntu24.04': '3.12', 'ubuntu22.04': '3.10'}
"""The Python that a distribution brings."""


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile: comments dropped, continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith('#')]
    joined = '\n'.join(lines).replace('\\\n', ' ')
    pairs = (line.strip().partition(' ')[::2] for line in joined.splitlines() if line.strip())
    return [(name, re.sub(r'\s+', ' ', rest).strip()) for name, rest in pairs]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def file(kind: str, repo_root: Path) -> list[tuple[str, str]]:
    return instructions(repo_root / 'docker' / f'{kind}.Dockerfile')


def values(file: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in file if instruction == name]


def is_ignored(name: str, rules: list[str]) -> bool:
    """Whether .dockerignore keeps a path from the builder; the last rule that fits counts."""
    ignored = False
    for rule in rules:
        kept = rule.startswith('!')
        pattern = rule.lstrip('!')
        parents = [name, *map(str, Path(name).parents)]
        if any(fnmatch.fnmatch(parent, pattern) for parent in parents if parent != '.'):
            ignored = not kept
    return ignored


def test_what_is_copied_is_there_and_reaches_the_builder(file, repo_root):
    lines = (repo_root / '.dockerignore').read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith('#')]
    sources = []
    for rest in values(file, 'COPY'):
        if not rest.startswith('--from='):
            sources += rest.split()[:-1]
    assert {'requirements', 'tools', 'mmdet_medglip', 'configs', 'demo_model', 'setup.py'} <= set(
        sources
    )
    for source in sources:
        assert (repo_root / source).exists(), source
        assert not is_ignored(source, rules), source
    for private in ('data/demo', 'work_dirs/x.pth', '.git/config', '.env', '.venv/bin', 'shared'):
        assert is_ignored(private, rules), private
    assert not values(file, 'ADD')


def test_it_is_set_up_by_our_program_with_files_that_are_there(file, repo_root):
    (command,) = (rest for rest in values(file, 'RUN') if 'setup_env.py' in rest)
    words = shlex.split(command)
    source = (repo_root / 'tools/setup_env.py').read_text()
    start = words.index('tools/setup_env.py')
    options = [word for word in words[start : words.index('&&')] if word.startswith('--')]
    assert options == ['--venv', '--line', '--with']
    assert all(f"'{option}'" in source for option in options)
    line = words[words.index('--line') + 1]
    assert line in LINES
    for name in ('build', 'torch', 'openmmlab', 'runtime'):
        assert (repo_root / 'requirements' / f'{name}.txt').is_file()
    # What it adds is pinned as for the tests.
    pins = set((repo_root / 'requirements/test.txt').read_text().splitlines())
    added = [word for word in words[words.index('&&') :] if '==' in word]
    assert len(added) == 3
    assert set(added) <= pins


def test_python_of_the_base_is_one_that_is_supported(kind, file, repo_root):
    bases = [rest.split()[0] for rest in values(file, 'FROM')]
    classifiers = re.findall(r'Python :: (3\.\d+)', (repo_root / 'setup.py').read_text())
    pythons = set()
    for base in bases:
        image, _, tag = base.partition(':')
        assert tag not in ('', 'latest'), f'{base} is not pinned'
        if image == 'python':
            pythons.add(re.match(r'3\.\d+', tag)[0])
        else:
            pythons.add(PYTHON_OF[tag.rsplit('-', 1)[1]])
    (python,) = pythons  # The environment of one stage runs in the other.
    assert python in classifiers
    page = (repo_root / 'docs/docker.md').read_text()
    assert f'Python {python}' in next(row for row in page.splitlines() if f'| `{kind}` |' in row)


def test_cuda_is_that_of_the_wheel_of_torch(repo_root):
    pin = re.search(r'^torch==(\S+)', (repo_root / 'requirements/torch.txt').read_text(), re.M)[1]
    assert {r.tested for line in TESTED.values() for r in line if r.module == 'torch'} == {pin}
    file = instructions(repo_root / 'docker/gpu.Dockerfile')
    (cuda,) = {re.search(r'nvidia/cuda:([\d.]+)-', rest)[1] for rest in values(file, 'FROM')}
    installed = importlib.metadata.version('torch')
    if installed.partition('+')[0] != pin:
        pytest.skip(f'torch {installed} is installed, not {pin}')
    required = ' '.join(importlib.metadata.requires('torch') or [])
    wheel = re.search(r'cuda-toolkit\[[^\]]*\]==([\d.]+)', required)
    if wheel is None:
        pytest.skip('torch is installed without CUDA')
    assert cuda == wheel[1]


def test_mmcv_is_compiled_for_gpus_that_the_builder_cannot_see(repo_root):
    file = instructions(repo_root / 'docker/gpu.Dockerfile')
    (command,) = (rest for rest in values(file, 'RUN') if 'setup_env.py' in rest)
    assert 'FORCE_CUDA=1' in command
    assert 'TORCH_CUDA_ARCH_LIST="${TORCH_CUDA_ARCH_LIST}"' in command
    assert '-devel-' in values(file, 'FROM')[0], 'nvcc is in the devel image alone'
    (architectures,) = (r for r in values(file, 'ARG') if r.startswith('TORCH_CUDA_ARCH_LIST'))
    for one in shlex.split(architectures.partition('=')[2])[0].split(';'):
        assert re.fullmatch(r'\d+\.\d(\+PTX)?', one)


def test_the_cpu_image_takes_wheels_without_cuda(repo_root):
    file = instructions(repo_root / 'docker/cpu.Dockerfile')
    assert 'TORCH_INDEX=https://download.pytorch.org/whl/cpu' in values(file, 'ARG')
    (command,) = (rest for rest in values(file, 'RUN') if 'setup_env.py' in rest)
    assert 'PIP_EXTRA_INDEX_URL=${TORCH_INDEX}' in command


def test_it_runs_as_an_ordinary_user_and_holds_no_secret(kind, file, repo_root):
    names = [name for name, _ in file]
    final = file[len(names) - names[::-1].index('FROM') - 1 :]
    assert values(final, 'USER') == ['medglip']
    assert any('useradd' in rest for rest in values(final, 'RUN'))
    assert values(final, 'ENTRYPOINT') == ['["medglip"]']
    text = (repo_root / 'docker' / f'{kind}.Dockerfile').read_text().upper()
    for word in ('TOKEN', 'PASSWORD', 'SECRET', 'API_KEY', 'CREDENTIAL'):
        assert word not in text


def test_build_arguments_of_the_page_are_those_there_are(repo_root):
    page = (repo_root / 'docs/docker.md').read_text()
    table = page.split('| `--build-arg` |')[1].split('\n\n')[0]
    named = set(re.findall(r'^\| `(\w+)` \|', table, re.MULTILINE))
    files = [instructions(repo_root / 'docker' / f'{kind}.Dockerfile') for kind in KINDS]
    assert named == {rest.partition('=')[0] for file in files for rest in values(file, 'ARG')}
