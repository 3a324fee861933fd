"""docs/hierarchy.md: its options are those there are; tests/docs runs its examples."""

import inspect
import re

import pytest

from mmdet_medglip.answers.hierarchy import HierarchyRule, Suppression


@pytest.fixture(scope='module')
def page(repo_root) -> str:
    return (repo_root / 'docs' / 'hierarchy.md').read_text(encoding='utf-8')


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
