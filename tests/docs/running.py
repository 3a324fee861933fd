"""Run the blocks of a page, one after another, in one folder and one namespace."""

from __future__ import annotations

import builtins
import contextlib
import doctest
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from mmdet_medglip.cli.main import main
from mmdet_medglip.cli.tool_commands import run_tool
from tests.docs.checking import check_command, program_of, split_command
from tests.docs.fragments import build_fragment
from tests.docs.lists import CHECKED, NOT_CODE, SLOW, fragment_base, is_slow_block
from tests.docs.page import Block, commands_of
from tests.docs.shortening import run_short


class PageRun:
    """A page under way.

    Args:
        folder: Where the page's files are; the working directory while it runs.
        names: What is there before the first block.
        slow: Whether commands of the list ``SLOW`` are run, cut short, rather than checked.
    """

    def __init__(self, folder: Path, names: dict[str, Any], slow: bool = False) -> None:
        self.folder, self.slow = folder, slow
        self.names = {'__name__': 'page', '__builtins__': builtins, **names}
        self.fragments: dict[str | None, str] = {}
        self.ran = 0

    def run(self, block: Block) -> None:
        """Do with a block what its language says.

        Raises:
            AssertionError: The language is none that a page may have, or the block is wrong.
        """
        if block.file is not None:
            self._write(block)
        elif block.language in NOT_CODE:
            return
        elif block.language == 'python':
            self._python(block)
        elif block.language == 'pycon':
            self._doctest(block)
        elif block.language == 'bash':
            for command in commands_of(block):
                self.command(command)
        elif block.language == 'json':
            read_json(block, self.folder)
        elif block.language == 'yaml':
            read_yaml(block, self.folder)
        else:
            raise AssertionError(f'a block of the language {block.language!r} is not run')
        self.ran += 1

    def _write(self, block: Block) -> None:
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding='utf-8')
        if block.language == 'yaml':
            read_yaml(block, self.folder)

    def _python(self, block: Block) -> None:
        if is_slow_block(block.page, block.text.lower()) and not self.slow:
            return
        if '>>>' in block.text:
            self._doctest(block)
        elif fragment_base(block.page, block.text)[0]:
            base = fragment_base(block.page, block.text)[1]
            config = build_fragment(block, base, self.fragments.get(base, ''), self.folder)
            self.fragments[base] = self.fragments.get(base, '') + block.text
            # A later block may use what this one defined.
            for name in re.findall(r'^(\w+) = ', block.text, re.MULTILINE):
                self.names[name] = config.get(name)
        else:
            code = compile(block.text, str(block), 'exec')
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, self.names)

    def _doctest(self, block: Block) -> None:
        parsed = doctest.DocTestParser().get_doctest(
            block.text, self.names, str(block), block.page, block.line
        )
        told = io.StringIO()
        runner = doctest.DocTestRunner()
        failed = runner.run(parsed, out=told.write, clear_globs=False).failed
        self.names |= parsed.globs
        assert not failed, told.getvalue()

    def command(self, command: str) -> None:
        """Run a command in this process, if no list says otherwise; check it in any case."""
        check_command(command)
        if any(rule.fits(command) for rule in CHECKED):
            return
        if any(rule.fits(command) for rule in SLOW):
            if self.slow:
                run_short(command, self.folder)
            return
        variables, words = split_command(command)
        assert not variables, f'{command}: variables are set by no command that is run here'
        program, arguments = program_of(words)
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            if program == 'medglip':
                status = main(arguments)
            else:
                assert program.startswith('tools/'), f'{command} is neither run nor in a list'
                arguments = [one for word in arguments for one in self._spread(word)]
                status = run_tool(program.removeprefix('tools/').removesuffix('.py'), arguments)
        assert status == 0, f'{command}: status {status}\n{told.getvalue()[-2000:]}'

    def _spread(self, word: str) -> list[str]:
        if '*' not in word:
            return [word]
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob(word))


def read_json(block: Block, folder: Path) -> None:
    """Read an object as a line of the file that the page describes."""
    line = json.dumps(json.loads(block.text))
    path = folder / 'one.jsonl'
    path.write_text(line + '\n')
    (folder / 'images').mkdir(exist_ok=True)
    shutil.copy(folder / 'slice.png', folder / 'images/a.png')
    if block.page == 'vqa.md':
        from mmdet_medglip.downstream.vqa.readers.lines import read_lines

        (record,) = read_lines(path)
        assert record.question_id == json.loads(line)['question_id']
    else:
        assert block.page == 'reports.md', f'{block}: no reader of the page is known'
        from mmdet_medglip.downstream.report.readers import read_report_jsonl

        assert len(read_report_jsonl(path).records) == 1


def read_yaml(block: Block, folder: Path) -> None:
    """Load a recipe, a suite of the benchmark or an entry of the ontology by the real loader."""
    import yaml

    content = yaml.safe_load(block.text)
    path = folder / (block.file or 'block.yaml')
    if isinstance(content, list):
        from mmdet_medglip.ontology import DEFAULT_LABELS

        known = yaml.safe_load(Path(DEFAULT_LABELS).read_text(encoding='utf-8'))['ambiguous']
        assert all(entry in known for entry in content), f'{block}: no entry of labels.yaml'
        return
    path.write_text(block.text, encoding='utf-8')
    if 'reader' in content:
        from mmdet_medglip.ingest import load_recipe

        assert load_recipe(str(path)).name == content['name']
    elif 'entries' in content:
        from mmdet_medglip.benchmark import load_suite

        assert load_suite(str(path)).title == content['title']
    else:
        assert block.file is not None, f'{block}: neither recipe, suite nor ontology'


@contextlib.contextmanager
def working_in(folder: Path):
    """Work in a folder, and put environment, path and working directory back."""
    before, environment, path = Path.cwd(), dict(os.environ), list(sys.path)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path
