"""Checkpoint files that are there as a whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmdet_medglip.store.durable import replace_file

__all__ = ['DurableBackend']


class DurableBackend(LocalBackend):
    """MMEngine's backend of local files, which are replaced atomically and synced to the disk.

    What is removed inside :meth:`removing_later` stays until the block ends well.
    """

    def __init__(self) -> None:
        self._later: list[str] | None = None

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file; others see its old content or its new one, never a part.

        Raises:
            OSError: The disk is full or fails; an old file of the name is then still there.
        """
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, bytes(obj))
        if self._later is not None and str(path) in self._later:
            self._later.remove(str(path))

    def remove(self, filepath: str | Path) -> None:
        """Remove a file, now or when the block ends."""
        if self._later is None:
            super().remove(filepath)
        else:
            self._later.append(str(filepath))

    @contextlib.contextmanager
    def removing_later(self) -> Iterator[None]:
        """Keep files that are removed in this block until it ends well; blocks may be nested."""
        if self._later is not None:
            yield
            return
        self._later = []
        try:
            yield
            for path in self._later:
                Path(path).unlink(missing_ok=True)
        finally:
            self._later = None


register_backend('durable', DurableBackend, force=True)
