"""Results as one JSON document."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any

from mmdet_medglip.store.durable import replacing_file

from ..result import Failure, GroundingResult
from .base import ResultWriter
from .json_line import json_line

__all__ = ['JsonWriter']


class JsonWriter(ResultWriter):
    """``predictions.json``: ``{"results": [...], "failures": [...]}``, a line for each.

    See ``GroundingResult.to_dict`` for the fields.
    """

    name = 'predictions.json'

    def __enter__(self) -> JsonWriter:
        """Begin the document."""
        self._stack = ExitStack()
        self._file: IO[str] = self._stack.enter_context(replacing_file(self.folder / self.name))
        self._failures: list[dict[str, Any]] = []
        self._empty = True
        self._file.write('{"results": [')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the document."""
        if error is None:
            self._file.write('\n], "failures": [')
            lines = ','.join('\n' + json_line(failure) for failure in self._failures)
            self._file.write(lines + '\n]}\n')
        self._stack.__exit__(kind, error, trace)

    def add(self, result: GroundingResult) -> None:
        """Write a line."""
        self._file.write(('' if self._empty else ',') + '\n' + json_line(result.to_dict()))
        self._empty = False

    def fail(self, failure: Failure) -> None:
        """Keep a line for the end."""
        self._failures.append(failure.to_dict())
