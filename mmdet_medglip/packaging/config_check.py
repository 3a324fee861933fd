"""What a packed config may say, so that building it does nothing but make a detector."""

from __future__ import annotations

import re
from typing import Any

from .known_types import Kind, check_type
from .plain_values import TUPLE

__all__ = ['DROPPED', 'check_config']

DROPPED = ('init_cfg', 'pretrained', 'train_cfg')
"""Entries that say how training begins or goes on; a packed model has its weights."""

_REFUSED = (
    *('_scope_', '_delete_', '_base_', 'custom_imports', 'backend_args', 'checkpoint', 'load_from'),
    *('teacher_config', 'teacher_ckpt', *DROPPED),
)
_KEY = re.compile(r'[A-Za-z_][A-Za-z0-9_ .+-]{0,80}|tuple\(\)')
_NO_TEXT = re.compile(r'[/\\~\x00-\x1f]|\.\s*[A-Za-z_]')
_LONGEST_TEXT = 200
_MOST_ITEMS = 20_000
_MOST = 1_000_000_000
_DEEPEST = 32


def check_config(plain: Any, kind: Kind, where: str) -> None:
    """Refuse a config that could do more than describe a part.

    Types must be known (:mod:`.known_types`); texts may be no path, address or dotted name, since
    some parts read files that are named in their arguments; numbers and lists are bounded.

    Args:
        plain: Of :func:`.plain_values.plain_of`.
        kind: What its types must be.
        where: Place, for the message.

    Raises:
        ValueError: An entry is not allowed; it is named.
    """
    _check(plain, kind, where, 0)


def _check(value: Any, kind: Kind, where: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(f'{where} is nested too deep.')
    if isinstance(value, dict | list) and len(value) > _MOST_ITEMS:
        raise ValueError(f'{where} has {len(value)} entries, more than {_MOST_ITEMS}.')
    if isinstance(value, dict):
        for key, one in value.items():
            if not _KEY.fullmatch(key) or key in _REFUSED:
                raise ValueError(f'{where} has the entry {key[:80]!r}, which is not allowed there.')
            if key == TUPLE and (len(value) > 1 or not isinstance(one, list)):
                raise ValueError(f'{where} has {TUPLE!r} with something else than a list.')
            if key == 'type':
                check_type(one, kind, where)
            else:
                _check(one, kind, f'{where}.{key}', depth + 1)
    elif isinstance(value, list):
        for row, one in enumerate(value):
            _check(one, kind, f'{where}[{row}]', depth + 1)
    elif isinstance(value, str):
        if len(value) > _LONGEST_TEXT or _NO_TEXT.search(value):
            raise ValueError(
                f'{where} is {value[:80]!r}; a packed model may name no path, address, dotted name '
                f'or text above {_LONGEST_TEXT} characters.'
            )
    elif isinstance(value, int | float) and not abs(value) <= _MOST:
        raise ValueError(f'{where} is {value}, beyond {_MOST}.')
