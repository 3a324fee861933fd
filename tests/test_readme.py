import re
import shlex
from pathlib import Path

import pytest

from mmdet_medglip.cli.main import parse_args
from mmdet_medglip.cli.tool_commands import TOOLS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]


def commands(page: Path) -> list[str]:
    """Every line of the page's bash blocks, comments dropped and continued lines joined."""
    blocks = re.findall(r'```bash\n(.*?)```', page.read_text(), re.DOTALL)
    lines = '\n'.join(blocks).replace('\\\n', ' ').splitlines()
    stripped = (line.partition(' #')[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith('#')]


def make_targets() -> set[str]:
    text = (ROOT / 'Makefile').read_text()
    return set(re.findall(r'^([a-z-]+):', text, re.MULTILINE))


CASES = [
    pytest.param(command, id=f'{page.name}:{command}'[:90])
    for page in PAGES
    for command in commands(page)
]


@pytest.mark.parametrize('command', CASES)
def test_every_documented_command_exists(command):
    words = shlex.split(command)
    while '=' in words[0]:
        words = words[1:]
    if words[0] == 'make':
        assert {word for word in words[1:] if '=' not in word} <= make_targets()
    elif words[0] == 'medglip' or words[:2] == ['python', 'tools/medglip.py']:
        check_medglip(words[1 if words[0] == 'medglip' else 2 :])
    elif words[0].startswith('tools/') or words[:1] == ['python']:
        script = ROOT / (words[0] if words[0].startswith('tools/') else words[1])
        assert script.is_file()
        check_options(script, words)
    elif words[:2] == ['pip', 'install'] or words[:2] == ['pip', 'wheel']:
        for name in words:
            assert not name.startswith('requirements/') or (ROOT / name).is_file()
    else:
        assert words[0] in {'git', 'cd', 'export', 'mim'}
    for word in words:
        if word.startswith('configs/') and '*' not in word:
            assert (ROOT / word).exists(), f'{word} of `{command}` does not exist'


def check_medglip(words: list[str]) -> None:
    if words[0] in TOOLS:
        check_options(ROOT / 'tools' / f'{words[0]}.py', words[1:])
    else:
        assert parse_args(words).command == words[0]  # an unknown option ends the program


def check_options(script: Path, words: list[str]) -> None:
    source = script.read_text()
    if 'engine.launch import' in source:
        source += (ROOT / 'mmdet_medglip' / 'engine' / 'launch.py').read_text()
    if 'downstream.command_options import' in source:
        source += (ROOT / 'mmdet_medglip' / 'downstream' / 'command_options.py').read_text()
    if 'train' in script.name or 'test' in script.name:
        source += ''.join((ROOT / 'tools' / name).read_text() for name in ('train.py', 'test.py'))
    for word in words:
        if word.startswith('--'):
            option = word.partition('=')[0]
            assert f"'{option}'" in source, f'{script.name} has no option {option}'


def test_readme_names_the_two_commands_and_ci_calls_them():
    assert {'make demo', 'make test'} <= set(commands(ROOT / 'README.md'))
    ci = (ROOT / '.ci' / 'run').read_text().splitlines()
    assert 'make test' in ci
    assert 'make lint' in ci


def test_readme_fits_one_screen_and_says_it_is_not_clinical():
    text = (ROOT / 'README.md').read_text()
    assert len(text.splitlines()) <= 75
    assert 'not for clinical use' in text


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r'\]\(((?!https?:|#|mailto:)[^)#]+)', page.read_text())
    missing = [
        link
        for link in links
        if not (page.parent / link).exists() and not link.startswith('docs/images/')
    ]
    assert not missing
