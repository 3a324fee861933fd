"""What a set-up needs of the machine, and what to do about a command that failed.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

__all__ = [
    'SetupError',
    'check_compiler',
    'check_disk',
    'check_python',
    'diagnose',
    'tail',
]

NEEDED_GB = 12
MINIMUM_PYTHON = (3, 10)

REMEDIES = (
    (
        r'No space left on device|Disk quota exceeded',
        f'The disk is full. Free about {NEEDED_GB} GB (pip also writes to TMPDIR and its cache).',
    ),
    (
        r'Python\.h: No such file',
        'The Python headers are missing. Debian/Ubuntu: apt install python3-dev; '
        'Fedora: dnf install python3-devel.',
    ),
    (
        r'Killed signal|cc1plus.*[Kk]illed|out of memory|MemoryError',
        'The compiler ran out of memory. Call again with MAX_JOBS=1.',
    ),
    (
        r'Name or service not known|Temporary failure in name resolution|NewConnectionError'
        r'|ConnectTimeout|Read timed out|CERTIFICATE_VERIFY_FAILED|Could not fetch URL'
        r'|No matching distribution found',
        'The package index did not serve a package. Check the network and the proxy, or point '
        'PIP_INDEX_URL at a mirror that holds the pinned versions, and call again.',
    ),
    (
        r"command '[^']*(g\+\+|gcc|c\+\+|cc|clang)[^']*' failed|unable to execute",
        'The C++ compiler failed on mmcv. It needs C++17: g++ >= 9 or clang >= 10 '
        '(Debian/Ubuntu: apt install build-essential).',
    ),
    (
        r'libGL\.so|libgthread',
        'OpenCV misses a system library. Debian/Ubuntu: apt install libgl1 libglib2.0-0.',
    ),
)


class SetupError(Exception):
    """A step failed; the message says what is missing and how to get it."""


def check_python() -> None:
    """Check the interpreter.

    Raises:
        SetupError: If it is too old.
    """
    if sys.version_info < MINIMUM_PYTHON:
        raise SetupError(
            f'Python {sys.version.split()[0]} is too old: 3.10 or newer is needed. '
            'Name a newer one with make PYTHON=python3.11.'
        )


def tail(output: str, lines: int = 15) -> str:
    """Return the last lines of an output, indented."""
    return '\n'.join(f'    {line}' for line in output.splitlines()[-lines:])


def diagnose(output: str) -> str:
    """Return what to do about a failed command, judged by its output."""
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            return remedy
    return 'The step failed for a reason this script does not know; its output follows.'


def check_compiler() -> None:
    """Check for what mmcv's build needs.

    Raises:
        SetupError: If the C++ compiler or the Python headers are missing.
    """
    compilers = [os.environ.get('CXX', ''), 'c++', 'g++', 'clang++']
    if not any(shutil.which(name) for name in compilers if name):
        raise SetupError(
            'No C++ compiler found (looked for $CXX, c++, g++, clang++), and mmcv is built from '
            'source. Debian/Ubuntu: apt install build-essential; Fedora: dnf install gcc-c++.'
        )
    header = Path(sysconfig.get_path('include')) / 'Python.h'
    if not header.is_file():
        raise SetupError(
            f'The Python headers are missing ({header}); mmcv is built from source. '
            'Debian/Ubuntu: apt install python3-dev; Fedora: dnf install python3-devel.'
        )


def check_disk(path: Path) -> None:
    """Check for room.

    Raises:
        SetupError: If the disk of ``path`` has less than ``NEEDED_GB`` free.
    """
    free = shutil.disk_usage(path).free / 1e9
    if free < NEEDED_GB:
        raise SetupError(
            f'{path} has {free:.1f} GB free, the environment needs {NEEDED_GB} GB. '
            'Free some, or choose another place with --venv (make: VENV=/path).'
        )
