"""Lists of phrases written as JSON."""

import json
from typing import Any

__all__ = ['is_json', 'phrases_of_json']

_SHOWN = 80  # characters of a text in an error


def is_json(text: str) -> bool:
    """Tell whether a text is meant as JSON: it starts with a bracket, then a quote or a bracket.

    Example:
        >>> [is_json(text) for text in ('["liver"]', '[{"phrase": "liver"}]', '[liver, spleen]')]
        [True, True, False]
    """
    start = text.lstrip()[:2]
    if start[:1] == '[':
        return text.lstrip()[1:].lstrip()[:1] in ('"', '{', '[', ']', '')
    return start[:1] == '{'


def phrases_of_json(text: str) -> list[str]:
    """Read a JSON list of phrases.

    Args:
        text: A list whose items are strings, or objects with the phrase under ``phrase``; what
            else an object holds is not looked at.

    Returns:
        The phrases as they are written, in order; possibly none.

    Raises:
        ValueError: If it is not JSON, is nested too deep, or has another layout.

    Example:
        >>> phrases_of_json('["liver", {"phrase": "left kidney", "score": 0.5}]')
        ['liver', 'left kidney']
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError(
            f'JSON prompt {text[:_SHOWN]!r} is nested too deep; expected a list of strings or of '
            'objects with the key "phrase".'
        ) from None
    except ValueError as error:
        raise ValueError(
            f'Prompt {text[:_SHOWN]!r} starts like JSON and is not valid: '
            f'{str(error)[:_SHOWN]}; expected a list such as ["liver", "left kidney"].'
        ) from None
    if not isinstance(found, list):
        raise _layout_error('', found)
    return [_phrase(item, position) for position, item in enumerate(found)]


def _phrase(item: Any, position: int) -> str:
    phrase = item.get('phrase') if isinstance(item, dict) else item
    if not isinstance(phrase, str):
        raise _layout_error(f' item {position}', item)
    return phrase


def _layout_error(where: str, found: Any) -> ValueError:
    return ValueError(
        f'JSON prompt{where}: expected a list of strings or of objects with the key "phrase", got '
        f'{type(found).__name__}; write it like ["liver", {{"phrase": "left kidney"}}].'
    )
