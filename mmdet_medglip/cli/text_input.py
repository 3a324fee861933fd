"""Texts that a command is given: in files, on the command line, or on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ['read_text', 'text_or_input']


def read_text(path: Path) -> str:
    """Read a text file, with or without byte order mark.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not UTF-8.
    """
    try:
        return path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError:
        raise ValueError(f'{path} is not UTF-8; save it as UTF-8.') from None


def text_or_input(text: str) -> str:
    """Return a text of the command line; for ``-`` what standard input has.

    Raises:
        ValueError: Standard input is not UTF-8.
    """
    if text != '-':
        return text
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise ValueError('Standard input is not UTF-8; convert it to UTF-8.') from None
