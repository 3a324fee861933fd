"""Headers of NRRD files, checked because ITK's library overruns its memory."""

from pathlib import Path

__all__ = ['check_nrrd_header']

_MAX_HEADER_BYTES = 16_000_000
_MAX_FIELD_BYTES = 400
"""Of a field of the format: four directions in full precision take 300. From some 700 bytes on,
messages about a wrong field are written past their place in memory (SimpleITK 2.5.7)."""


def check_nrrd_header(path: Path) -> None:
    """Refuse a header whose fields are longer than any that is meant.

    Comments and ``key:=value`` pairs, which programs fill as they like, may be long.

    Args:
        path: An NRRD file.

    Raises:
        ValueError: If a line is too long, or the header does not end within 16 MB.
    """
    left = _MAX_HEADER_BYTES
    with open(path, 'rb') as file:
        while left > 0:
            line = file.readline(left)
            left -= len(line)
            text = line.strip()
            if not text:
                return
            if len(text) > _MAX_FIELD_BYTES and not text.startswith(b'#') and b':=' not in text:
                raise ValueError(
                    f'{path} has a field of {len(text)} bytes in its header, over the limit of '
                    f'{_MAX_FIELD_BYTES} ({text[:40]!r}); write the file again.'
                )
    raise ValueError(f'{path} has a header of over {_MAX_HEADER_BYTES} bytes; write it again.')
