"""Keep what a test run answered in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS

from ..image_result import ImageResult
from ..result_file import save_results
from .results_metric import ResultsMetric
from .sample_results import gather_results

__all__ = ['ResultFileMetric']


@METRICS.register_module()
class ResultFileMetric(ResultsMetric):
    """Write answers and truth of all images to a result file, see :mod:`..result_file`.

    Works on label and on caption samples. Its only key is ``results/images``, the number of images
    written. Measures of the file are those of tools/evaluate.py.

    Args:
        out_file: The ``.npz`` file to write; one of an earlier run is replaced.
        closed_set: As in :class:`ResultsMetric`.
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
        super().__init__(closed_set, collect_device, prefix, collect_dir)
        if not out_file.endswith('.npz'):
            raise ValueError(f'out_file must end in .npz, got {out_file!r}.')
        self.out_file = out_file
        self.config = config
        self.checkpoint = checkpoint
        self.info = dict(info or {})

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
