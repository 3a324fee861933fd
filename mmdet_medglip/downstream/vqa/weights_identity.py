"""Which weights a model folder holds, told without reading gigabytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ['identify_folder']

_WHOLE_BELOW = 16 << 20
_EDGE = 1 << 20


def identify_folder(folder: Path) -> str:
    """Digest of the files of a model folder.

    Files below 16 MiB count with all their bytes; larger ones with their size and their first and
    last MiB, which hold the table of a ``.safetensors`` file and the end of its last tensor.

    Args:
        folder: Of the model; files in folders below it do not count.

    Returns:
        16 hexadecimal digits; the place of the folder does not matter.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        size = path.stat().st_size
        digest.update(f'{path.name}:{size}:'.encode())
        with path.open('rb') as file:
            if size < _WHOLE_BELOW:
                digest.update(file.read())
            else:
                digest.update(file.read(_EDGE))
                file.seek(-_EDGE, 2)
                digest.update(file.read(_EDGE))
    return digest.hexdigest()[:16]
