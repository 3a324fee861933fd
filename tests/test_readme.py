"""The README, and links between all pages; tests/docs runs their code blocks."""

import re
from pathlib import Path

import pytest

from tests.docs.page import PAGES, ROOT


def commands(page: Path) -> list[str]:
    """Every line of the page's bash blocks, comments dropped and continued lines joined."""
    blocks = re.findall(r'```bash\n(.*?)```', page.read_text(), re.DOTALL)
    lines = '\n'.join(blocks).replace('\\\n', ' ').splitlines()
    stripped = (line.partition(' #')[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith('#')]


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
