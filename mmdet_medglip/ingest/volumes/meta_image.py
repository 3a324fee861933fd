"""Compressed voxels of MetaImage files, checked because ITK takes damaged ones for sound."""

import zlib
from pathlib import Path

__all__ = ['check_compressed']

_MAX_LINE = 100_000
_MAX_LINES = 1000
_CHUNK = 1 << 20


def check_compressed(path: Path, data_path: Path, size: int) -> None:
    """Check that compressed voxels unpack to what the header announces, holding none in memory.

    ITK writes a line to the screen if they do not, and returns memory that nobody has filled.

    Args:
        path: File with the header.
        data_path: File with the voxels, the same or another.
        size: Announced size of all voxels in bytes.

    Raises:
        ValueError: If they are cut off, damaged, or of another size.
    """
    keys, start = _header(path)
    if keys.get('compresseddata', '').lower() not in ('true', '1'):
        return
    found = _unpacked_size(data_path, start if data_path == path else 0, size)
    if found != size:
        raise ValueError(
            f'{path} is damaged: its compressed voxels are not the {size} bytes that it announces; '
            'replace it.'
        )


def _header(path: Path) -> tuple[dict[str, str], int]:
    """Return the keys of a header in lower case, and where the voxels begin after it."""
    keys = {}
    with open(path, 'rb') as file:
        for _ in range(_MAX_LINES):
            line = file.readline(_MAX_LINE)
            key, _, value = line.decode('latin-1').partition('=')
            keys[key.strip().lower()] = value.strip()
            if not line or 'elementdatafile' in keys:
                break
        return keys, file.tell()


def _unpacked_size(path: Path, start: int, limit: int) -> int | None:
    """Return the size of a zlib or gzip stream; None if it does not end, or ends too late."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS + 32)
    total = 0
    with open(path, 'rb') as file:
        file.seek(start)
        data = file.read(_CHUNK)
        try:
            while data and not unpacker.eof and total <= limit:
                total += len(unpacker.decompress(data, _CHUNK))
                data = unpacker.unconsumed_tail or file.read(_CHUNK)
        except zlib.error:
            return None
    return total if unpacker.eof else None
