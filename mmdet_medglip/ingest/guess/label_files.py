"""Json files that say what label values mean."""

import json
from typing import Any

from .scan import Scan

__all__ = ['names_of_values']

_MAX_BYTES = 5_000_000


def names_of_values(scan: Scan, present: frozenset[int] = frozenset()) -> dict[int, str]:
    """Look for a json file that names label values.

    ``labels`` of nnU-Net and the Decathlon come first, then any mapping from numbers to names,
    also one level down.

    Args:
        scan: The folder.
        present: Values that a mapping should name; the one that names most of them is taken.

    Returns:
        Name by value; empty if no file tells.
    """
    best: dict[int, str] = {}
    for file in scan.of('.json'):
        try:
            if scan.path(file).stat().st_size > _MAX_BYTES:
                continue
            content = json.loads(scan.path(file).read_text(encoding='utf-8-sig'))
        except (OSError, ValueError, RecursionError):
            continue
        for named in _mappings(content):
            better = len(present & set(named)) > len(present & set(best))
            if better or (not present and not best):
                best = named
    return best


def _mappings(content: Any) -> list[dict[int, str]]:
    if not isinstance(content, dict):
        return []
    inner = [content['labels']] if isinstance(content.get('labels'), dict) else []
    inner += [content, *(value for value in content.values() if isinstance(value, dict))]
    found = [_by_value(mapping) for mapping in inner]
    return [mapping for mapping in found if mapping]


def _by_value(mapping: dict[str, Any]) -> dict[int, str]:
    """Bring ``{value: name}`` or ``{name: value}`` to one form; empty if it is neither."""
    if mapping and all(str(key).isdigit() and isinstance(v, str) for key, v in mapping.items()):
        return {int(key): value for key, value in mapping.items()}
    if mapping and all(isinstance(v, int) and not isinstance(v, bool) for v in mapping.values()):
        return {value: str(key) for key, value in mapping.items()}
    return {}
