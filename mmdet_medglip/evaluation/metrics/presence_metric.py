"""Whether phrases are there at all: probabilities, and boxes where there is nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.answers import best_scores
from mmdet_medglip.registry import METRICS
from mmdet_medglip.visualization.table import render_table

from ..functional.false_boxes import found_at, recall_curve
from ..functional.grouping import grouped
from ..functional.presence import (
    auroc,
    brier_score,
    expected_calibration_error,
    no_target_accuracy,
)
from .samples import (
    is_label_sample,
    read_field,
    read_prediction,
    read_presence,
    read_truth,
    truth_labels,
)

__all__ = ['PresenceMetric']


@dataclass(frozen=True)
class _Judged:
    """What is kept of an image: [P] per phrase, scores of boxes."""

    probability: npt.NDArray[np.float64]
    present: npt.NDArray[np.bool_]
    num_boxes: int
    found: npt.NDArray[np.float64]
    false: npt.NDArray[np.float64]


@METRICS.register_module()
class PresenceMetric(BaseMetric):
    """Presence of label prompts, see :mod:`..functional.presence` and :mod:`.false_boxes`.

    A phrase is on an image that has a truth box of it, ``ignore`` flags included. Keys (with the
    prefix 'presence'), each also per modality (``presence/ct/AUROC``) where it is defined:

    - ``AUROC``, ``ECE``, ``Brier`` of the probabilities in ``pred_presence``; of a detector that
      gives none, of the best box score of each phrase.
    - ``N-acc``: share of images without any asked finding that get no box;
      ``false_boxes_per_empty_image``: boxes on such an image.
    - ``false_boxes_per_negative``: boxes of a phrase on an image that lacks it;
      ``box_recall``: share of the truth boxes found beside that.
    - ``false_boxes_per_negative@0.8``: the same at the score threshold where 0.8 of the truth boxes
      are found. Detectors, or one with and without gating, compare by this one.

    Caption samples are left out: they name what is there, so they have no negatives.

    Args:
        recalls: Recalls of boxes at which false boxes are counted, each in (0, 1].
        score_threshold: Boxes below it are not answered; the ``@`` keys choose their own.
        iou_threshold: Least IoU of a found truth box, in (0, 1].
        bins: Bins of the ECE.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'presence'

    def __init__(
        self,
        recalls: Sequence[float] = (0.5, 0.7, 0.8, 0.85, 0.9),
        score_threshold: float = 0.3,
        iou_threshold: float = 0.5,
        bins: int = 10,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.recalls = tuple(recalls)
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.bins = bins

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep probabilities, and scores of found and of false boxes, of a batch.

        Raises:
            ValueError: If a sample lacks a field or asks for a label that the data set lacks.
        """
        for sample in data_samples:
            # None keeps one result per sample, which the exchange between ranks counts on.
            judged = self._judge(sample) if is_label_sample(sample) else None
            self.results.append(judged and (read_field(sample, 'modality'), judged))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Figures of all collected results, printed as a table.

        Args:
            results: (modality, what is kept of an image) per label sample, None per caption sample.

        Returns:
            Flat keys without the prefix -> value, NaN where there is nothing to count.
        """
        by_modality = grouped(filter(None, results))
        metrics = self._figures([image for images in by_modality.values() for image in images])
        columns = {'all': dict(metrics)}
        for modality, images in by_modality.items():
            columns[modality] = own = self._figures(images)
            metrics |= {f'{modality}/{name}': v for name, v in own.items() if not np.isnan(v)}
        rows = [(name, *(of[name] for of in columns.values())) for name in columns['all']]
        print_log(render_table('Presence', ('figure', *columns), rows), logger='current')
        return metrics

    def _figures(self, images: Sequence[_Judged]) -> dict[str, float]:
        def joined(name: str) -> npt.NDArray:
            return np.concatenate([np.empty(0), *(getattr(image, name) for image in images)])

        probability, present = joined('probability'), joined('present').astype(bool)
        found, false = joined('found'), joined('false')
        negatives = int((~present).sum())
        empty = np.array([not image.present.any() for image in images], bool)
        boxes = np.array([image.num_boxes for image in images], np.int64)
        curve = recall_curve(found, false, negatives)
        answered = false >= self.score_threshold
        figures = {
            'AUROC': auroc(probability, present),
            'ECE': expected_calibration_error(probability, present, self.bins),
            'Brier': brier_score(probability, present),
            'N-acc': no_target_accuracy(boxes, ~empty),
            'false_boxes_per_empty_image': _share(boxes[empty].sum(), empty.sum()),
            'false_boxes_per_negative': _share(answered.sum(), negatives),
            'box_recall': _share((found >= self.score_threshold).sum(), len(found)),
        }
        return figures | {
            f'false_boxes_per_negative@{recall:g}': curve.at_recall(recall)
            for recall in self.recalls
        }

    def _judge(self, sample: Mapping[str, Any]) -> _Judged:
        boxes, truth = read_prediction(sample), read_truth(sample)
        labels = truth_labels(sample, self.dataset_meta)
        probability = read_presence(sample, 'scores')
        if probability is None:
            probability = best_scores(boxes.scores, boxes.labels, len(labels))
        present = np.isin(labels, truth.labels)
        found = [
            found_at(
                boxes.boxes[boxes.of_label(phrase)],
                boxes.scores[boxes.of_label(phrase)],
                truth.boxes[truth.of_label(label)],
                self.iou_threshold,
            )
            for phrase, label in enumerate(labels)
            if present[phrase]
        ]
        return _Judged(
            probability=probability,
            present=present,
            num_boxes=int((boxes.scores >= self.score_threshold).sum()),
            found=np.concatenate([np.empty(0), *found]),
            false=boxes.scores[~present[boxes.labels]].astype(np.float64),
        )


def _share(count: Any, total: Any) -> float:
    return float(count / total) if total else float('nan')
