"""Commands and options that a sentence or table of a page names are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmdet_medglip.cli.tool_commands import TOOLS
from tests.docs.page import PAGES, ROOT

COMMANDS = {
    **{name: f'mmdet_medglip/cli/{name}_command.py' for name in ('predict', 'pack', 'demo')},
    **{name: f'mmdet_medglip/cli/{name}_command.py' for name in ('serve', 'doctor')},
    'lint-prompt': 'mmdet_medglip/cli/lint_command.py',
    'list-labels': 'mmdet_medglip/cli/list_command.py',
    **{name: f'tools/{name}.py' for name in TOOLS},
}
NAMED = re.compile(r'`(?:python )?((?:medglip|(?:tools|benchmarks)/[\w/]+\.py)(?: [^`]*)?)`')


def named_commands(page: Path) -> list[str]:
    """Commands in single backticks, outside of fenced blocks."""
    text = re.sub(r'^```.*?^```', '', page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [re.sub(r'\s+', ' ', command) for command in NAMED.findall(text)]


CASES = [
    pytest.param(command, id=f'{page.name}: {command}'[:80])
    for page in PAGES
    for command in dict.fromkeys(named_commands(page))
]


def source_of(command: str) -> str:
    """Text of the program that a command starts, and of what it takes options from."""
    words = command.split()
    if words[0] == 'medglip':
        if len(words) == 1:
            return ''
        assert words[1] in COMMANDS, f'medglip has no command {words[1]}'
        path = ROOT / COMMANDS[words[1]]
    else:
        path = ROOT / words[0]
    assert path.is_file(), f'{path} does not exist'
    source = path.read_text()
    for module in ('engine.launch', 'downstream.command_options', 'benchmark.command'):
        if f'{module} import' in source:
            source += (ROOT / 'mmdet_medglip' / f'{module.replace(".", "/")}.py').read_text()
    return source


@pytest.mark.parametrize('command', CASES)
def test_commands_in_sentences_exist(command: str) -> None:
    source = source_of(command)
    for option in re.findall(r'(?<=\s)--[a-z][a-z-]*', command):
        assert f"'{option}'" in source, f'{command}: there is no option {option}'


def test_some_are_found():
    assert len(CASES) > 30
    assert {'faq.md', 'tutorial.md'} <= {page.name for page in PAGES if named_commands(page)}
