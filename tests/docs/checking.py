"""Check a command without running it: program, options, files and keys of the config exist."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from mmdet_medglip.cli.main import parse_args
from mmdet_medglip.cli.tool_commands import TOOLS
from tests.docs.page import ROOT

NEW_KEYS = {
    'load_from',
    'model.test_cfg.presence.calibration',
    'model.test_cfg.hierarchy.consistent',
    'model.modality_classifier',
    'model.backbone.only',
    'data_root',
    'replay',
    'test_evaluator.3.picture',
}
"""Overrides of entries that a config need not have."""
DATASET_KEYS = re.compile(
    r'(train|val|test)_dataloader\.dataset\.'
    r'(modalities|split|labels|level|data_root|indices|hold_out\.\w+|pipeline\.1\.checkpoint)'
)
TASK_KEYS = re.compile(r'tasks\.\w+\.(data_root|shots|labels)')


def split_command(command: str) -> tuple[dict[str, str], list[str]]:
    """Variables in front of a command, and its words."""
    words = shlex.split(command)
    variables = {}
    while words and re.match(r'[A-Z_]+=', words[0]):
        name, _, value = words.pop(0).partition('=')
        variables[name] = value
    return variables, words


def program_of(words: Sequence[str]) -> tuple[str, list[str]]:
    """``medglip`` or the path of a script, and its arguments."""
    if words[0] == 'medglip' or list(words[:2]) == ['python', 'tools/medglip.py']:
        rest = list(words[1:] if words[0] == 'medglip' else words[2:])
        if rest[0] in TOOLS:
            return f'tools/{rest[0]}.py', rest[1:]
        return 'medglip', rest
    if words[0] == 'python':
        return words[1], list(words[2:])
    return words[0], list(words[1:])


def make_targets() -> set[str]:
    """Targets of the Makefile."""
    text = (ROOT / 'Makefile').read_text()
    return set(re.findall(r'^([a-z-]+):', text, re.MULTILINE))


def check_command(command: str) -> None:
    """Raise an ``AssertionError`` that says what of a command is not there."""
    _, words = split_command(command)
    if not words or words[0] == 'export':
        return
    program, arguments = program_of(words)
    for word in words:
        if word.startswith(('configs/', 'requirements/', 'docker/')) and '*' not in word:
            assert (ROOT / word).exists(), f'{word} does not exist'
    if program == 'make':
        unknown = {word for word in arguments if '=' not in word} - make_targets()
        assert not unknown, f'make has no target {unknown}'
    elif program == 'medglip':
        assert parse_args(arguments).command == arguments[0]
    elif program.startswith(('tools/', 'benchmarks/', 'tests/')):
        assert (ROOT / program).is_file(), f'{program} does not exist'
        check_options(ROOT / program, arguments)
        if '--cfg-options' in arguments and arguments[0].startswith('configs/'):
            check_overrides(arguments)
    else:
        known = {'git', 'cd', 'pip', 'mim', 'docker', 'apt-get'}
        assert program in known, f'{program} is no program of ours or of {known}'


def check_options(script: Path, arguments: Sequence[str]) -> None:
    """Check that every option stands in the source of a program."""
    source = script.read_text()
    for module in ('engine.launch', 'downstream.command_options', 'benchmark.command'):
        if f'{module} import' in source:
            source += (ROOT / 'mmdet_medglip' / f'{module.replace(".", "/")}.py').read_text()
    if script.suffix == '.sh':
        source += (ROOT / 'tools' / 'train.py').read_text()
        source += (ROOT / 'tools' / 'test.py').read_text()
    for word in arguments:
        if word.startswith('--'):
            option = word.partition('=')[0]
            assert f"'{option}'" in source, f'{script.name} has no option {option}'


def check_overrides(arguments: Sequence[str]) -> None:
    """Check that each override of a command changes an entry that its config has."""
    from mmengine.config import Config

    config = Config.fromfile(str(ROOT / arguments[0]))
    start = arguments.index('--cfg-options') + 1
    for word in arguments[start:]:
        if word.startswith('--'):
            break
        key = word.partition('=')[0]
        assert '=' in word, f'{word} is no KEY=VALUE'
        if key in NEW_KEYS or DATASET_KEYS.fullmatch(key) or TASK_KEYS.fullmatch(key):
            continue
        node = config
        for part in key.split('.'):
            node = node[int(part)] if isinstance(node, (list, tuple)) else node.get(part)
            assert node is not None, f'{arguments[0]} has no {key} (at {part})'
