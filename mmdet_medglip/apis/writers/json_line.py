"""JSON of results, of which file names are a part."""

import json
import os
from typing import Any

__all__ = ['json_line']


def json_line(value: Any) -> str:
    """Return JSON in one line; bytes of a file name that are no text become U+FFFD.

    Raises:
        ValueError: A number is not finite.
    """
    return os.fsencode(json.dumps(value, ensure_ascii=False, allow_nan=False)).decode(
        'utf-8', 'replace'
    )
