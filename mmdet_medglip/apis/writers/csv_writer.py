"""Results as tables."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from mmdet_medglip.store.durable import replacing_file

from ..result import Failure, GroundingResult
from .base import ResultWriter

__all__ = ['CsvWriter']

_SOURCE = ('name', 'path', 'slice_index', 'modality')
_TABLES: dict[str, tuple[str, ...]] = {
    'boxes.csv': (*_SOURCE, 'phrase', 'label', 'level', 'score', 'x1', 'y1', 'x2', 'y2'),
    'phrases.csv': (*_SOURCE, 'phrase', 'negated', 'present', 'probability', 'boxes', 'best_score'),
    'failures.csv': ('name', 'path', 'slice_index', 'stage', 'reason'),
}


class CsvWriter(ResultWriter):
    """``boxes.csv``, a row for each box; ``phrases.csv``, a row for each phrase of each image,
    found or not; ``failures.csv``, a row for each input without an answer.
    """  # noqa: D205 - one sentence names the three files

    def __enter__(self) -> CsvWriter:
        """Write the headings."""
        self._stack = ExitStack()
        self._rows: dict[str, Any] = {}
        for name, columns in _TABLES.items():
            file = self._stack.enter_context(replacing_file(self.folder / name))
            file.reconfigure(errors='replace')  # type: ignore[attr-defined] # a text file has it
            self._rows[name] = csv.writer(file)
            self._rows[name].writerow(columns)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the tables in their places."""
        self._stack.__exit__(kind, error, trace)

    def add(self, result: GroundingResult) -> None:
        """Write the rows of an image."""
        source = result.source
        told = (source.name, source.path, source.slice_index, result.modality)
        for box in result.boxes:
            corners = (round(value, 2) for value in box.bbox)
            self._rows['boxes.csv'].writerow(
                (*told, box.phrase, box.name, box.level, round(box.score, 4), *corners)
            )
        for one in result.answers:
            numbers = (one.probability, one.boxes, one.best_score)
            rounded = (value if value is None else round(value, 4) for value in numbers)
            self._rows['phrases.csv'].writerow(
                (*told, one.phrase, int(one.negated), int(one.present), *rounded)
            )

    def fail(self, failure: Failure) -> None:
        """Write a row."""
        source = failure.source
        self._rows['failures.csv'].writerow(
            (source.name, source.path, source.slice_index, failure.stage, failure.reason)
        )
