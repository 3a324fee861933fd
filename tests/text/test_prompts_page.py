"""docs/prompts.md: lists of the table are read, figures are measured; tests/docs runs examples."""

import re

import pytest

from mmdet_medglip.text import parse_prompt
from tests.text.report_agreement import REPORTS, agreement, load_sentences


@pytest.fixture(scope='module')
def page(repo_root) -> str:
    return (repo_root / 'docs' / 'prompts.md').read_text(encoding='utf-8')


def test_lists_of_the_table_are_read(page):
    rows = re.findall(r'^\| `(.*?)`.*? \| (`.*`) \|$', page.split('## Sentences')[0], re.MULTILINE)
    assert len(rows) == 4
    for text, phrases in rows:
        assert parse_prompt(text).phrases == tuple(re.findall(r'`(.*?)`', phrases))


def test_figures_are_the_measured_ones(page, real_data_root):
    if not (real_data_root / REPORTS).is_file():
        pytest.skip(f'no reports at {real_data_root / REPORTS}')
    sentences = load_sentences(real_data_root)
    for part in ('development', 'held_out', 'unseen'):
        a = agreement([(text, marks) for name, text, marks in sentences if name == part])
        row = (
            f'| {part.replace("_", " ")}, {a.sentences} | {a.marked} | {a.f1:.3f} | '
            f'{a.precision:.3f} | {a.recall:.3f} | {a.overlap_f1:.3f} | '
            f'{a.same_status} of {a.touched} | {a.same_side} of {a.touched} | '
            f'{a.same_of_sided} of {a.sided} |'
        )
        assert row in page, row
