"""Names of files and folders made from ids that may be any text."""

import hashlib
import re

__all__ = ['safe_name']

_UNSAFE = re.compile(r'[^A-Za-z0-9._-]+')
_LONGEST = 100


def safe_name(text: str) -> str:
    """Turn any text into a name that every file system takes, another one for every text.

    A text of small letters, digits, ``.``, ``_`` and ``-`` stays as it is. Of any other, what is
    safe is kept and a digest of all of it is appended after ``~``, which no name of the first kind
    has: so names differ where texts do, also where a file system ignores case.

    Args:
        text: Any text, such as an image id.

    Returns:
        A name of at most 117 characters without ``/``, not empty and not starting with a dot.

    Example:
        >>> safe_name('case_0001.axial'), safe_name('../CT/1')
        ('case_0001.axial', 'CT_1~70d859ef814d0b84')
    """
    kept = _UNSAFE.sub('_', text).strip('._-')[:_LONGEST]
    if kept and kept == text.lower():
        return kept
    digest = hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]
    return f'{kept}~{digest}'
