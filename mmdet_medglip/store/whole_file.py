"""Files that are read no further than they go."""

import io
from pathlib import Path

__all__ = ['WholeFile']

_CHUNK = 1 << 20


class WholeFile(io.BufferedReader):
    """A file that sets aside memory for what it holds, not for what a damaged header announces.

    Python takes the memory for ``read(size)`` before it reads; a size that a file tells may be any.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        """Read as many bytes as there are, at most ``size``."""
        if size is not None and size > _CHUNK:
            size = min(size, max(0, self._size - self.tell()))
        return super().read(size)
