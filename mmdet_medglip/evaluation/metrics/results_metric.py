"""What metrics share that keep whole answers of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

from .sample_results import read_closed_set_result, read_result

__all__ = ['ResultsMetric']


class ResultsMetric(BaseMetric):
    """Collect an :class:`~mmdet_medglip.evaluation.ImageResult` of each sample.

    Args:
        closed_set: For detectors without words: their labels index the data set's ``classes``
            rather than phrases. An image counts as asked for its ``phrase_labels``, where the test
            pipeline has them, else for all classes; boxes of other labels are left out.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    def __init__(
        self,
        closed_set: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.closed_set = closed_set

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep answers and truth of a batch as small arrays.

        Raises:
            ValueError: If a sample lacks a field or names a phrase or label that does not exist.
        """
        read = read_closed_set_result if self.closed_set else read_result
        self.results.extend(read(sample, self.dataset_meta) for sample in data_samples)
