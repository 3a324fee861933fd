"""What metrics of answers and reports share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from .said_text import said_lines, write_lines

__all__ = ['SaidTextMetric']


class SaidTextMetric(BaseMetric):
    """Collect what a model said, a line for each request, and write it.

    Args:
        out_file: Where to write the lines, in jsonl; None writes none.
        model: Name of the model, to be written.
        collect_device: As in mmengine.
        prefix: First part of the keys.
    """

    id_key: ClassVar[str]
    """What the id of a line is called in the file."""

    def __init__(
        self,
        out_file: str | None = None,
        model: str = 'small',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.out_file = out_file
        self.model = model

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Keep what was said of a batch."""
        # One result for a sample, however much is asked of it: mmengine keeps no more.
        self.results += [self.lines_of(sample) for sample in data_samples]

    def lines_of(self, sample: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a line for each request of a sample."""
        return said_lines(sample)

    def compute_metrics(self, results: list[list[dict[str, Any]]]) -> dict[str, float]:
        """Write all lines, and score them."""
        lines = [line for lines in results for line in lines]
        self._write(lines)
        return self.score(lines)

    @abstractmethod
    def score(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Score all lines."""

    def _write(self, results: Sequence[dict[str, Any]]) -> None:
        """Write all lines with the model and the regions it was given, where a file is wanted.

        Raises:
            OSError: It cannot be written.
        """
        if self.out_file is None:
            return
        condition = str((self.dataset_meta or {}).get('regions', ''))
        lines = [{**line, 'model': self.model, 'condition': condition} for line in results]
        write_lines(Path(self.out_file), lines, self.id_key)
        print_log(f'{len(lines)} lines: {self.out_file}', logger='current')
