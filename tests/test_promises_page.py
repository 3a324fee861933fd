"""Every promise names a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'promises.md'
NAMED = re.compile(r'`(tests/[\w/]+\.py)::(\w+)`')


def rows():
    """Rows of the page's tables, without their heads."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith('|')]
    return [line for line in lines if not re.match(r'\|(---| Promise )', line)]


def slow_tests(tree):
    """Names of the functions of a file that are marked slow."""
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any('mark.slow' in ast.unparse(mark) for mark in node.decorator_list)
    }


@pytest.mark.parametrize('row', rows(), ids=lambda row: row[2:60])
def test_a_promise_has_its_tests(row):
    found = NAMED.findall(row)
    assert found, 'a promise without a test'
    slow = []
    for file, name in found:
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        marked = 'pytestmark = pytest.mark.slow' in (ROOT / file).read_text()
        slow.append(marked or name in slow_tests(tree))
    assert any(slow) == ('*slow*' in row)


def test_no_promise_is_said_twice():
    promised = [row.split('|')[1] for row in rows()]
    assert len(promised) == len(set(promised)) > 30
