"""Configs as data: plain values that JSON holds, tuples marked as such.

Some transforms tell a tuple from a list, which JSON does not: ``(1, 2)`` is written as
``{"tuple()": [1, 2]}``. A key with brackets can be no argument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ['TUPLE', 'plain_of', 'value_of']

TUPLE = 'tuple()'
"""Key of a mapping that stands for a tuple."""


def plain_of(value: Any, where: str = 'config') -> Any:
    """Turn a value of a config into what JSON holds.

    Args:
        value: Dicts with text keys, lists, tuples, text, finite numbers, booleans, None, and
            classes or functions, which become their registered names.
        where: What the message of an error calls it.

    Returns:
        The same in plain values.

    Raises:
        ValueError: Another kind of value.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f'{where} is {value}; a packed model holds finite numbers only.')
        return value
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise ValueError(f'{where} has the key {wrong[0]!r}; expected text.')
        return {key: plain_of(one, f'{where}.{key}') for key, one in value.items()}
    if isinstance(value, list | tuple):
        items = [plain_of(one, f'{where}[{row}]') for row, one in enumerate(value)]
        return {TUPLE: items} if isinstance(value, tuple) else items
    if isinstance(value, type):
        return value.__name__
    raise ValueError(
        f'{where} is a {type(value).__name__}, which is no data; expected text, numbers, lists '
        'and dicts.'
    )


def value_of(plain: Any) -> Any:
    """Undo :func:`plain_of`."""
    if isinstance(plain, dict):
        if set(plain) == {TUPLE}:
            return tuple(value_of(one) for one in plain[TUPLE])
        return {key: value_of(one) for key, one in plain.items()}
    return [value_of(one) for one in plain] if isinstance(plain, list) else plain
