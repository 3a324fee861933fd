"""The contract of writers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ..result import Failure, GroundingResult
from .write_options import WriteOptions

__all__ = ['ResultWriter']


class ResultWriter(ABC):
    """Write results one by one, with the memory of one, or of the boxes of one volume.

    Used as a context manager. Files take their names when the block ends well; after an exception
    there are none, but for those of images and volumes that were done. To add a kind: subclass,
    write in :meth:`add`, list it in ``mmdet_medglip.apis.writers.WRITERS``.

    Args:
        folder: Where files go; it exists.
        options: What to know besides the results.
    """

    needs_view = False
    """Whether results must have a picture of what was seen."""

    subfolder = ''
    """Folder in ``folder`` that has all files of this kind; empty for none."""

    def __init__(self, folder: Path, options: WriteOptions | None = None) -> None:
        self.folder = folder
        self.options = options or WriteOptions()

    @abstractmethod
    def __enter__(self) -> ResultWriter:
        """Open the files."""

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the files in their places, or remove them after an exception."""

    @abstractmethod
    def add(self, result: GroundingResult) -> Sequence[Failure] | None:
        """Write one result.

        Returns:
            What could not be written, and why, of this result or of those before it; None for
            nothing.

        Raises:
            OSError: The disk is full or fails.
        """

    def finish(self) -> Sequence[Failure]:
        """Write what waits for further results; there are no more.

        Returns:
            As of :meth:`add`.

        Raises:
            OSError: The disk is full or fails.
        """
        return ()

    def fail(self, failure: Failure) -> None:  # noqa: B027 - most kinds have no place for it
        """Note an input without an answer; kinds without a place for it leave that to others."""
