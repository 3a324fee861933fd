"""The code blocks of a Markdown page, in order."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md')))
"""Every page that a user reads; CONTRIBUTING.md too."""

_FILE = re.compile(r'^(?:.*\s)?`([\w./-]+)`:$')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    ``file`` is the path that the line before the block names: a line that ends in
    `` `path`: `` says that the block is the content of this file.
    """

    page: str
    line: int
    language: str
    text: str
    file: str | None = None

    def __str__(self) -> str:
        """Where it is."""
        return f'{self.page}:{self.line} ({self.language})'


def read_page(path: Path) -> list[Block]:
    """Every fenced block of a page, those in lists and quotes too."""
    text = path.read_text(encoding='utf-8')
    lines = text.splitlines()
    blocks = []
    for token in MarkdownIt('commonmark').parse(text):
        if token.type == 'code_block':
            raise AssertionError(f'{path}:{token.map[0] + 1}: indented code; fence it with ```')
        if token.type != 'fence':
            continue
        start = token.map[0]
        before = next((line for line in reversed(lines[:start]) if line.strip()), '')
        named = _FILE.match(before.strip())
        name = str(path.relative_to(ROOT / 'docs')) if 'docs' in path.parts else path.name
        info = token.info.split()
        language = info[0] if info else ''
        blocks.append(Block(name, start + 1, language, token.content, named and named[1]))
    return blocks


def commands_of(block: Block) -> list[str]:
    """The commands of a bash block: comments dropped, continued lines joined, blanks single."""
    lines = block.text.replace('\\\n', ' ').splitlines()
    stripped = (re.sub(r'\s+', ' ', line.partition(' #')[0]).strip() for line in lines)
    return [line for line in stripped if line and not line.startswith('#')]


def unique_pages() -> dict[str, list[Block]]:
    """Blocks by the name of their page."""
    pages = {}
    for path in PAGES:
        name = str(path.relative_to(ROOT / 'docs')) if 'docs' in path.parts else path.name
        pages[name] = read_page(path)
    return pages
