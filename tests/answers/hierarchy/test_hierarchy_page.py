"""docs/hierarchy.md: its examples run, and its options are those there are."""

import doctest
import inspect
import re

import pytest

from mmdet_medglip.answers.hierarchy import HierarchyRule, Suppression


@pytest.fixture(scope='module')
def page(repo_root) -> str:
    return (repo_root / 'docs' / 'hierarchy.md').read_text(encoding='utf-8')


def test_examples_run(page):
    blocks = re.findall(r'```pycon\n(.*?)```', page, re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        test = doctest.DocTestParser().get_doctest(block, {}, f'block {number}', 'hierarchy.md', 0)
        assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize(
    ('head', 'kind'),
    [
        pytest.param('test_cfg.hierarchy', HierarchyRule, id='rule'),
        pytest.param('nms=dict(...)', Suppression, id='nms'),
    ],
)
def test_every_option_is_in_its_table(page, head, kind):
    table = page.split(f'| `{head}` | |\n')[1].split('\n\n')[0]
    named = set(re.findall(r'^\| `(\w+)=', table, re.MULTILINE))
    assert named == set(inspect.signature(kind).parameters)
