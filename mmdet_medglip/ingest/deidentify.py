"""De-identification: pseudonyms by keyed hash, their key, and names taken out of messages."""

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from .burned_in_text import burned_in_text_suspected, text_suspected
from .dicom.basic_profile import basic_profile_clean

__all__ = [
    'REMOVED',
    'basic_profile_clean',
    'burned_in_text_suspected',
    'load_or_create_key',
    'pseudonym',
    'scrub',
    'text_suspected',
]

REMOVED = '[removed]'
"""What stands where a name stood."""

_KEY_BYTES = 32
_PSEUDONYM_DIGITS = 16
_SHORT = 4
_SHORTEST_PART = 3


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """Return the name that stands for a name, the same for the same key, kind and name.

    HMAC-SHA256, cut to 64 bits: without the key nobody can test a guess, and a million names
    collide with probability below 1e-7.

    Args:
        key: Secret of at least 32 bytes.
        kind: What is named, such as ``patient``; equal names of two kinds get two pseudonyms.
        value: The name.

    Returns:
        The first letter of the kind, a hyphen and 16 hexadecimal digits.

    Raises:
        ValueError: If the key is shorter than 32 bytes or the kind is empty.

    Example:
        >>> pseudonym(bytes(32), 'patient', 'Doe')
        'p-56dc414ebfa7a2e1'
    """
    if len(key) < _KEY_BYTES:
        raise ValueError(f"'key' must have at least {_KEY_BYTES} bytes, got {len(key)}.")
    if not kind:
        raise ValueError("'kind' must say what is named, such as 'patient', got ''.")
    message = f'{len(kind)}:{kind}{value}'.encode('utf-8', 'surrogatepass')
    digest = hmac.new(key, message, hashlib.sha256).hexdigest()
    return f'{kind[0]}-{digest[:_PSEUDONYM_DIGITS]}'


def load_or_create_key(path: str | Path) -> bytes:
    """Read the key of the pseudonyms, or draw a new one if there is no such file.

    The file holds 64 hexadecimal digits and must be readable by its owner only: whoever has it
    can test guesses of names.

    Args:
        path: Key file.

    Returns:
        The 32 bytes of the key.

    Raises:
        ValueError: If the file is readable by others, or holds anything but such a key.
        OSError: If it cannot be read or written.
    """
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _load_key(path)
    with os.fdopen(descriptor, 'w', encoding='ascii') as file:
        key = secrets.token_bytes(_KEY_BYTES)
        file.write(key.hex() + '\n')
        file.flush()
        os.fsync(file.fileno())
    return key


def scrub(text: str, names: Iterable[str]) -> str:
    """Take names out of a message, whatever their case.

    Folders and file stems of names that are paths are taken out too. A name of up to three
    characters is only taken out where it stands alone.

    Args:
        text: Message for people.
        names: Names of patients, studies, items or files.

    Returns:
        The message with :data:`REMOVED` in the place of each name.

    Example:
        >>> scrub('/data/Doe_J/1.dcm is damaged.', ['/data', 'Doe_J/1.dcm'])
        '[removed]/[removed] is damaged.'
    """
    found = {part for name in names for part in _parts(name)}
    if not found:
        return text
    words = []
    for name in sorted(found, key=lambda name: (-len(name), name)):
        word = re.escape(name)
        words.append(rf'(?<!\w){word}(?!\w)' if len(name) < _SHORT else word)
    return re.sub('|'.join(words), REMOVED, text, flags=re.IGNORECASE)


def _parts(name: str) -> set[str]:
    """Return a name, and the folders and the stem of one that is a path."""
    path = PurePosixPath(name.replace('\\', '/'))
    parts = {*path.parts, path.name.split('.')[0]}
    return {part for part in parts if len(part) >= _SHORTEST_PART} | ({name} - {''})


def _load_key(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ValueError(
            f'Key file {path} may be read by others (mode {mode:04o}); run chmod 600 on it, or '
            'draw a new key.'
        )
    content = path.read_bytes()[: 4 * _KEY_BYTES].strip()
    try:
        key = bytes.fromhex(content.decode('ascii'))
    except ValueError:
        key = b''
    if len(key) != _KEY_BYTES:
        raise ValueError(
            f'Key file {path} must hold {2 * _KEY_BYTES} hexadecimal digits, got '
            f'{len(content)} characters; name the right file, or delete it for a new key.'
        )
    return key
