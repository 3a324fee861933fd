"""A guessed recipe as YAML with comments."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

__all__ = ['recipe_text']

_WIDTH = 98
_CONTROL = re.compile(r'[^\x20-\x7e\u00a0-\U0010ffff]+')


def recipe_text(
    recipe: Mapping[str, Any],
    comments: Mapping[str, str],
    labels: Mapping[str, str],
    head: Sequence[str],
) -> str:
    """Write a recipe with its comments.

    Args:
        recipe: Keys and values, in order.
        comments: What stands above a key.
        labels: What stands behind an entry of ``labels``.
        head: Paragraphs at the beginning.

    Returns:
        YAML that loads to ``recipe``.
    """
    lines = [line for paragraph in head for line in _comment(paragraph)]
    for key, value in recipe.items():
        if comments.get(key):
            lines += _comment(comments[key])
        if key == 'labels' and value:
            lines.append('labels:')
            for name, label in value.items():
                entry = textwrap.indent(_dump({name: label}), '  ').splitlines()
                entry[-1] += _behind(labels.get(name, ''))
                lines += entry
        else:
            lines += _dump({key: value}).splitlines()
    return '\n'.join(lines) + '\n'


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        _CONTROL.sub(' ', text), _WIDTH, initial_indent='# ', subsequent_indent='# '
    )


def _behind(text: str) -> str:
    return f'  # {_CONTROL.sub(" ", text)}' if text else ''


def _dump(content: Any) -> str:
    return yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False
    ).rstrip('\n')
