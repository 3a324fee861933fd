"""The contract of writers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType

from ..result import Failure, GroundingResult

__all__ = ['ResultWriter']


class ResultWriter(ABC):
    """Write results one by one, with the memory of one.

    Used as a context manager. Files take their names when the block ends well; after an exception
    there are none. To add a kind: subclass, write in :meth:`add`, list it in
    ``mmdet_medglip.apis.writers.WRITERS``.

    Args:
        folder: Where files go; it exists.
    """

    needs_view = False
    """Whether results must have a picture of what was seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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
    def add(self, result: GroundingResult) -> None:
        """Write one result.

        Raises:
            OSError: The disk is full or fails.
        """

    def fail(self, failure: Failure) -> None:  # noqa: B027 - most kinds have no place for it
        """Note an input without an answer; kinds without a place for it leave that to others."""
