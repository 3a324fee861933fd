"""What reading a damaged npz file can raise."""

import lzma
import tokenize
import zipfile
import zlib

__all__ = ['NPZ_FAULTS']

NPZ_FAULTS: tuple[type[Exception], ...] = (
    *(EOFError, KeyError, OSError, OverflowError, RuntimeError, SyntaxError, ValueError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
)
"""Of the archive, its members, and the headers of arrays in it."""
