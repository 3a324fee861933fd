"""YAML from outside: plain values only, its depth and size known before anything is built."""

from collections.abc import Hashable
from typing import Any

import yaml

__all__ = ['MAX_DEPTH', 'MAX_VALUES', 'load_yaml']

MAX_DEPTH = 64
"""Deepest nesting. LibYAML's composer recurses without a limit and would end the process."""

MAX_VALUES = 1_000_000
"""Largest number of values, each alias counted as all that it stands for."""

_Loader: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_MERGE = 'tag:yaml.org,2002:merge'


class _PlainLoader(_Loader):
    """Safe loader that refuses a key given twice, of which YAML would keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping once its keys are known to differ."""
        seen = set()
        for key, _ in node.value:
            where = f'in line {key.start_mark.line + 1}'
            if not isinstance(key, yaml.ScalarNode):
                raise ValueError(f'a key {where} is a list or a mapping; keys must be words')
            if key.value in seen:
                raise ValueError(f'{key.value[:80]!r} is given twice, again {where}')
            # What is merged in may give a key again: the mapping's own comes first.
            seen.add(key.value if key.tag != _MERGE else None)
        return super().construct_mapping(node, deep)


def load_yaml(text: str | bytes) -> Any:
    """Read YAML without building objects.

    Args:
        text: One document. Aliases may be used as long as all that they stand for is no more than
            ``MAX_VALUES``.

    Returns:
        Its content; None for an empty text.

    Raises:
        ValueError: It is not valid YAML, nested deeper than ``MAX_DEPTH``, of too many values, has
            a key twice, or a value that cannot be, such as a thirteenth month. One line.

    Example:
        >>> load_yaml('a: [1, x]')
        {'a': [1, 'x']}
        >>> load_yaml('a: &b [*b]')
        Traceback (most recent call last):
        ValueError: the alias 'b' stands for something that it is a part of
    """
    try:
        _check_events(text)
        return yaml.load(text, _PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f' in line {mark.line + 1}' if mark is not None else ''
        raise ValueError(f'{error.problem or error.context}{where}') from error
    except yaml.reader.ReaderError as error:
        raise ValueError(f'{error.reason} at position {error.position}') from error
    except yaml.YAMLError as error:
        raise ValueError(' '.join(str(error).split())) from error
    except (TypeError, OverflowError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f'a value cannot be read ({error})') from error


def _check_events(text: str | bytes) -> None:
    """Go through a document without building it."""
    sizes: dict[str, int] = {}
    open_anchors: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_anchors.append((event.anchor, total))
            if len(open_anchors) > MAX_DEPTH:
                line = event.start_mark.line + 1
                raise ValueError(f'it is nested deeper than {MAX_DEPTH} levels in line {line}')
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_anchors.pop()
            if anchor is not None:
                sizes[anchor] = total - before + 1
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_anchors):
                raise ValueError(
                    f'the alias {event.anchor[:80]!r} stands for something that it is a part of'
                )
            total += sizes.get(event.anchor, 1)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            total += 1
        if total > MAX_VALUES:
            raise ValueError(f'it stands for more than {MAX_VALUES} values')
