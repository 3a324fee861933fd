"""Reports as Markdown and as one HTML page: what they are made of, and how they are written."""

from .content import Badge, Cell, Link, Page, Picture, Section, Table, percent
from .render import html_page, markdown_page

__all__ = [
    'Badge',
    'Cell',
    'Link',
    'Page',
    'Picture',
    'Section',
    'Table',
    'html_page',
    'markdown_page',
    'percent',
]
