"""Files that are there as a whole or not at all, also after a loss of power."""

import ctypes
import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ['exchange', 'file_sha256', 'replace_file', 'replacing_file', 'sync']

_CHUNK = 1 << 20
_HERE = -100  # AT_FDCWD of fcntl.h
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV, errno.EPERM)


def sync(path: Path) -> None:
    """Wait until a file, or the list of names of a folder, is on the disk.

    Args:
        path: The file or folder.

    Raises:
        OSError: If it does not exist or the disk fails.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that others see its old content or its new one, never a part.

    Args:
        path: File to write; an older one is replaced.
        content: What it holds afterwards.

    Raises:
        OSError: If the disk is full or fails; the old file is then still there.
    """
    partial = path.with_name(f'.{path.name}.partial')
    try:
        with partial.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def replacing_file(path: Path) -> Iterator[IO[str]]:
    """Write a text bit by bit; it takes its name when the block ends well, else nothing changes.

    Args:
        path: File to write; an older one is replaced.

    Yields:
        A file to write text to, UTF-8, line ends as written.

    Raises:
        OSError: If the disk is full or fails; the old file is then still there.
    """
    partial = path.with_name(f'.{path.name}.partial-{os.getpid()}')
    try:
        with partial.open('w', encoding='utf-8', newline='') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders take each other's name, in one step that nobody sees the middle of.

    Args:
        one: A path.
        other: Another one on the same disk.

    Returns:
        False if this system or disk cannot do that; nothing has changed then.

    Raises:
        OSError: One of them does not exist, or may not be renamed.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_HERE:
        return False
    raise OSError(code, os.strerror(code), str(one), None, str(other))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits.

    Raises:
        OSError: If the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
