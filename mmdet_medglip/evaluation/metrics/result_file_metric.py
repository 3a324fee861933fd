"""Keep what a test run answered in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS

from ..image_result import ImageResult
from ..result_file import save_results
from .sample_results import gather_results, read_closed_set_result, read_result

__all__ = ['ResultFileMetric']


@METRICS.register_module()
class ResultFileMetric(BaseMetric):
    """Write answers and truth of all images to a result file, see :mod:`..result_file`.

    Works on label and on caption samples. Its only key is ``results/images``, the number of images
    written. Measures of the file are those of tools/evaluate.py.

    Args:
        out_file: The ``.npz`` file to write; one of an earlier run is replaced.
        closed_set: For detectors without words: their labels index the data set's ``classes``
            rather than phrases. An image counts as asked for its ``phrase_labels``, where the test
            pipeline has them, else for all classes; boxes of other labels are left out.
        config: Name of the config, to be remembered.
        checkpoint: Name of the checkpoint, to be remembered.
        info: More to remember of the run: names and strings.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'results'

    def __init__(
        self,
        out_file: str,
        closed_set: bool = False,
        config: str = '',
        checkpoint: str = '',
        info: Mapping[str, str] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if not out_file.endswith('.npz'):
            raise ValueError(f'out_file must end in .npz, got {out_file!r}.')
        self.out_file = out_file
        self.closed_set = closed_set
        self.config = config
        self.checkpoint = checkpoint
        self.info = dict(info or {})

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep answers and truth of a batch as small arrays.

        Raises:
            ValueError: If a sample lacks a field or names a phrase or label that does not exist.
        """
        read = read_closed_set_result if self.closed_set else read_result
        self.results.extend(read(sample, self.dataset_meta) for sample in data_samples)

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Write the file.

        Args:
            results: Of all images.

        Returns:
            The number of images.

        Raises:
            ValueError: If two images have one id.
            OSError: If the file cannot be written.
        """
        written = replace(
            gather_results(results, self.dataset_meta),
            config=self.config,
            checkpoint=self.checkpoint,
            info=self.info,
        )
        save_results(self.out_file, written)
        print_log(f'Results of {len(results)} images: {self.out_file}', logger='current')
        return {'images': len(results)}
