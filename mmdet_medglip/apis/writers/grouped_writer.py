"""Writers that need all slices of a volume at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from types import TracebackType

from ..result import Failure, GroundingResult
from .base import ResultWriter
from .result_group import ResultGroup

__all__ = ['GroupedWriter', 'NotForThisFormatError']


class NotForThisFormatError(ValueError):
    """An image or volume of a kind that the format has no place for; the reason says which."""


class GroupedWriter(ResultWriter):
    """Write volume by volume, with the memory of the boxes of one; images by themselves.

    Slices of a volume come one after the other, as the inferencer gives them. To make one: write
    :meth:`write`.
    """

    def __enter__(self) -> GroupedWriter:
        """Begin."""
        self._group: ResultGroup | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the files, each of which is whole."""

    @abstractmethod
    def write(self, group: ResultGroup) -> None:
        """Write a volume or an image.

        Raises:
            NotForThisFormatError: It is of another kind than the format is for.
            ValueError: It cannot be written.
            OSError: The disk is full or fails.
        """

    def add(self, result: GroundingResult) -> Sequence[Failure]:
        """Take a slice in; the volume before it is written when another one comes."""
        done: Sequence[Failure] = ()
        if self._group is None or not self._group.takes(result):
            done = self.finish()
            self._group = ResultGroup.of(result)
        self._group.add(result)
        return done

    def finish(self) -> Sequence[Failure]:
        """Write the volume that waits."""
        group, self._group = self._group, None
        if group is None:
            return ()
        try:
            self.write(group)
        except ValueError as error:
            stage = 'skip' if isinstance(error, NotForThisFormatError) else 'write'
            text = ' '.join(str(error).split())
            told = text if group.name in text else f'{group.name}: {text}'
            return (Failure(group.source, stage, told),)
        return ()
