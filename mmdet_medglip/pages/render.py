"""A report as Markdown and as one HTML page; text of sources is escaped in both."""

import base64
import math
import re
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .content import Badge, Cell, Link, Page, Picture

__all__ = ['html_page', 'markdown_page']

_TEMPLATES = Path(__file__).with_name('templates')
_MARKS = re.compile(r'([\\`*\[\]{}|~#$])')
_EDGE_UNDERSCORE = re.compile(r'(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])')
_UNSEEN = re.compile(r'[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


def markdown_page(page: Page) -> str:
    """Write a report as Markdown that refers to its pictures by relative paths."""
    environment = _environment(escape_html=False)
    environment.filters.update(text=_markdown_text, cell=_markdown_cell)
    return environment.get_template('page.md.j2').render(page=page)


def html_page(page: Page) -> str:
    """Write a report as one HTML page that holds its pictures and needs nothing else."""
    environment = _environment(escape_html=True)
    environment.filters.update(text=_plain, cell=_html_cell, embed=_embed, number=_is_number)
    return environment.get_template('page.html.j2').render(page=page)


def _environment(*, escape_html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=escape_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _plain(text: str) -> str:
    """Bring text to one line without characters that are not seen."""
    return ' '.join(_UNSEEN.sub(' ', text).split())


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float)


def _cell_text(cell: Cell) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return '-'
    if isinstance(cell, Link):
        return _plain(cell.url)
    if isinstance(cell, Badge):
        return _plain(cell.text)
    if isinstance(cell, str):
        return _plain(cell)
    return f'{cell:,}' if isinstance(cell, int) else f'{cell:.4g}'


def _markdown_text(text: str) -> str:
    escaped = _MARKS.sub(r'\\\1', _plain(text))
    escaped = escaped.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    return _EDGE_UNDERSCORE.sub(r'\\_', escaped)


def _markdown_cell(cell: Cell) -> str:
    text = _markdown_text(_cell_text(cell))
    return f'**{text}**' if isinstance(cell, Badge) and cell.tone in ('bad', 'warn') else text


def _html_cell(cell: Cell) -> str:
    text = _cell_text(cell)
    if isinstance(cell, Link) and _is_web_address(text):
        return Markup('<a rel="noopener noreferrer" href="{}">{}</a>').format(text, text)
    if isinstance(cell, Badge):
        return Markup('<span class="badge {}">{}</span>').format(cell.tone, text)
    return text


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ('http', 'https') and bool(parts.netloc) and ' ' not in url


def _embed(picture: Picture) -> str:
    data = base64.b64encode(picture.embedded).decode('ascii')
    return f'data:{picture.media_type};base64,{data}'
