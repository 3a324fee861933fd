"""Annotation files: sizes bounded before they are loaded, encodings and depth checked."""

import json
import re
from pathlib import Path
from typing import Any

__all__ = [
    'MAX_JSON_BYTES',
    'MAX_TEXT_BYTES',
    'check_size',
    'decode_text',
    'load_json',
    'parse_json',
    'read_text',
]

MAX_JSON_BYTES = 1_000_000_000
"""Largest JSON file of a whole data set."""

MAX_TEXT_BYTES = 256_000_000
"""Largest annotation file of one image."""

_BOM = b'\xef\xbb\xbf'
_SURROGATE = re.compile(r'\\u[dD][89a-fA-F]')


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Read a UTF-8 text file, with or without byte order mark.

    Args:
        path: The file.
        max_bytes: Largest size accepted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is too large or not UTF-8.
    """
    check_size(path, max_bytes)
    return decode_text(path.read_bytes(), path)


def check_size(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> None:
    """Check that an annotation file is there, and not too large to be loaded.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is too large.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Annotation file {path} does not exist.')
    size = path.stat().st_size
    if size > max_bytes:
        raise ValueError(f'{path} has {size} bytes, over the limit of {max_bytes}; split it.')


def decode_text(data: bytes, path: Path, start: int = 0, encoding: str = 'utf-8') -> str:
    """Decode a part of a text file.

    Args:
        data: The part.
        path: The file, for messages.
        start: Position of the part in the file, in bytes.
        encoding: Its encoding; a byte order mark of UTF-8 is left out.

    Raises:
        ValueError: If a byte is not of the encoding; names its position in the file.
    """
    skipped = len(_BOM) if start == 0 and data.startswith(_BOM) else 0
    try:
        return data[skipped:].decode(encoding)
    except UnicodeDecodeError as error:
        where = start + skipped + error.start
        raise ValueError(
            f'{path} is not {encoding.upper()} at byte {where}; convert the file to UTF-8.'
        ) from None


def load_json(path: Path, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Load a JSON file.

    Args:
        path: The file.
        max_bytes: Largest size accepted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is too large, not UTF-8, or not valid JSON.
    """
    return parse_json(read_text(path, max_bytes), str(path))


def parse_json(text: str, where: str) -> Any:
    """Parse JSON.

    Args:
        text: The JSON.
        where: Where it stands, for messages.

    Raises:
        ValueError: If it is not valid JSON, nested too deep, or holds half a character.
    """
    try:
        data = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode('utf-8')
        return data
    except RecursionError:
        raise ValueError(f'{where} is nested too deep for JSON; correct it.') from None
    except UnicodeEncodeError:
        raise ValueError(f'{where} has a broken escape of a character in JSON.') from None
    except ValueError as error:
        raise ValueError(f'{where} is not valid JSON ({error}).') from None
