"""COCO AP overall, per modality and per label."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS
from mmdet_medglip.visualization.table import render_table

from ..functional.average_precision import AveragePrecision, ImageDetections, average_precision
from ..functional.grouping import grouped
from .samples import (
    asked_labels,
    class_index,
    is_label_sample,
    read_field,
    read_label_truth,
    read_prediction,
)

__all__ = ['MedCocoMetric']


@METRICS.register_module()
class MedCocoMetric(BaseMetric):
    """COCO AP and AP50 of label prompts, see :mod:`..functional.average_precision`.

    Keys (with the prefix 'coco'): ``coco/AP`` and ``coco/AP50`` pool the modalities and average
    over labels, as COCO does; ``coco/ct/AP50`` looks at the images of one modality;
    ``coco/ct/liver/AP50`` at one label of it. A label counts on the images whose prompt asked for
    it (``phrase_labels``). Labels and modalities without truth have no key; without any truth
    ``coco/AP`` is NaN. Caption samples are left out: they have phrases, not labels.

    Args:
        per_label: Return and print one line per modality and label too.
        max_detections: Best-scored boxes kept per image and label (COCO: 100).
        backend: 'pycocotools' or 'faster_coco_eval'.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'coco'

    def __init__(
        self,
        per_label: bool = True,
        max_detections: int = 100,
        backend: str = 'pycocotools',
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.per_label = per_label
        self.max_detections = max_detections
        self.backend = backend

    @property
    def _index(self) -> dict[str, int]:
        return class_index(self.dataset_meta)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep boxes, scores and labels of a batch as small arrays.

        Raises:
            ValueError: If a sample lacks a field or asks for a label that the data set lacks.
        """
        for sample in data_samples:
            # None keeps one result per sample, which the exchange between ranks counts on.
            result = _read(sample, self._index) if is_label_sample(sample) else None
            self.results.append(result)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average precision of all collected results, printed as a table.

        Args:
            results: (modality, ImageDetections) per label sample, None per caption sample.

        Returns:
            Flat keys without the prefix -> value in [0, 1] or NaN.
        """
        by_modality = grouped(filter(None, results))
        pooled = [image for images in by_modality.values() for image in images]
        total = self._average_precision(pooled)
        metrics = {'AP': total.ap, 'AP50': total.ap50}
        rows = [_row('all', len(pooled), total)]
        for modality, images in by_modality.items():
            result = total if len(by_modality) == 1 else self._average_precision(images)
            rows.append(_row(modality, len(images), result))
            if result.num_truth.any():
                metrics |= {f'{modality}/AP': result.ap, f'{modality}/AP50': result.ap50}
            if self.per_label:
                lines, keys = self._label_lines(modality, images, result)
                rows += lines
                metrics |= keys
        columns = ('modality / label', 'images', 'boxes', 'AP', 'AP50')
        print_log(render_table('Average precision (COCO)', columns, rows), logger='current')
        return metrics

    def _label_lines(
        self, modality: str, images: Sequence[ImageDetections], result: AveragePrecision
    ) -> tuple[list[tuple], dict[str, float]]:
        rows, metrics = [], {}
        asked = np.bincount(
            np.concatenate([np.unique(image.asked) for image in images]),
            minlength=len(self._index),
        )
        for label, number in self._index.items():
            if not result.num_truth[number]:
                continue
            ap = float(result.ap_per_label[number])
            ap50 = float(result.ap50_per_label[number])
            metrics |= {f'{modality}/{label}/AP': ap, f'{modality}/{label}/AP50': ap50}
            boxes = int(result.num_truth[number])
            rows.append((f'  {label}', int(asked[number]), boxes, ap, ap50))
        return rows, metrics

    def _average_precision(self, images: Sequence[ImageDetections]) -> AveragePrecision:
        return average_precision(
            images,
            len(self._index),
            max_detections=self.max_detections,
            backend=self.backend,
        )


def _row(name: str, images: int, result: AveragePrecision) -> tuple:
    return (name, images, int(result.num_truth.sum()), result.ap, result.ap50)


def _read(sample: Mapping[str, Any], index: Mapping[str, int]) -> tuple[str, ImageDetections]:
    asked = np.array(asked_labels(sample, index), np.int64)
    prediction, truth = read_prediction(sample), read_label_truth(sample, len(index))
    return read_field(sample, 'modality'), ImageDetections(
        boxes=prediction.boxes,
        scores=prediction.scores,
        labels=asked[prediction.labels],
        gt_boxes=truth.boxes,
        gt_labels=truth.labels,
        gt_ignore=truth.ignore,
        asked=asked,
    )
