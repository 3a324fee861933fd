"""3-D measures of a data set of slices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS
from mmdet_medglip.volumes.link_settings import LinkSettings

from ..image_result import ImageResult
from ..parts import whole
from ..volume_results import measure_volumes, volumes_of
from .results_metric import ResultsMetric
from .sample_results import gather_results

__all__ = ['VolumeMetric']


@METRICS.register_module()
class VolumeMetric(ResultsMetric):
    """Link boxes of slices to 3-D boxes and measure these: AP and FROC by 3-D IoU.

    Works on label samples that carry ``series_id`` and ``slice_index``; others are left out, and
    their number is logged. See docs/volumes.md for the keys.

    Args:
        link: Arguments of :class:`~mmdet_medglip.volumes.LinkSettings`.
        froc_iou: Least 3-D IoU of a box that finds truth, in (0, 1], for FROC.
        closed_set: As in :class:`ResultsMetric`.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.

    Raises:
        ValueError: An argument is out of range.
    """

    default_prefix = 'volume'

    def __init__(
        self,
        link: Mapping[str, Any] | None = None,
        froc_iou: float = 0.1,
        closed_set: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(closed_set, collect_device, prefix, collect_dir)
        if not 0 < froc_iou <= 1:
            raise ValueError(f'froc_iou must lie in (0, 1], got {froc_iou}.')
        self.link = LinkSettings(**(link or {}))
        self.froc_iou = froc_iou

    def compute_metrics(self, results: list[ImageResult]) -> dict[str, float]:
        """Measure the volumes.

        Args:
            results: Of all images.

        Returns:
            ``AP@0.1`` and so on; nothing without volumes.

        Raises:
            ValueError: If two images have one id.
        """
        found = volumes_of(whole(gather_results(results, self.dataset_meta)), self.link)
        left_out = ', '.join(f'{count} images: {why}' for why, count in found.left_out.items())
        print_log(f'{len(found.volumes)} volumes; left out: {left_out or "none"}', logger='current')
        figures = measure_volumes(found, self.froc_iou)
        return {name.partition('/')[2]: value for name, value in figures.items()}
