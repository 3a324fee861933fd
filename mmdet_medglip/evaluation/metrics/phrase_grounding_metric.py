"""Recall@k and Acc@0.5 of phrases, overall and per modality."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS
from mmdet_medglip.visualization.table import render_table

from ..functional.grouping import grouped
from ..functional.phrase_recall import PhrasePair, first_hit, phrase_accuracy, phrase_recall
from .samples import read_field, read_prediction, read_truth, truth_labels

__all__ = ['PhraseGroundingMetric']


@METRICS.register_module()
class PhraseGroundingMetric(BaseMetric):
    """Phrase Recall@k (any-box) and Acc@0.5, see :mod:`..functional.phrase_recall`.

    Works on caption samples (a phrase is a span) and on label samples (a phrase is a label name;
    its truth are the boxes of its label). Keys with the prefix 'phrase': ``phrase/Recall@1``,
    ``phrase/Acc@0.5``, and ``phrase/ct/Recall@1`` per modality. Truth flagged ``ignore`` does not
    count. A modality without truth has no key; without any truth the values are NaN.

    Args:
        topk: Numbers of boxes per phrase looked at by Recall@k.
        iou_threshold: Least IoU of a hit, in (0, 1]; it also names the accuracy (``Acc@0.5``).
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.
    """

    default_prefix = 'phrase'

    def __init__(
        self,
        topk: Sequence[int] = (1, 5),
        iou_threshold: float = 0.5,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.topk = tuple(topk)
        self.iou_threshold = iou_threshold

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the rank of the first hit of every phrase with truth.

        Raises:
            ValueError: If a sample lacks a field or names a phrase or label that does not exist.
        """
        for sample in data_samples:
            pairs = _pairs(sample, self.dataset_meta, self.iou_threshold)
            self.results.append((read_field(sample, 'modality'), pairs))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Shares over all collected phrases, printed as a table.

        Args:
            results: (modality, list of PhrasePair) per image.

        Returns:
            Flat keys without the prefix -> value in [0, 1] or NaN.
        """
        pooled = [pair for _, pairs in results for pair in pairs]
        by_modality = grouped(results)
        metrics = self._shares(pooled)
        rows = [('all', len(pooled), *metrics.values())]
        for modality, of_images in by_modality.items():
            pairs = [pair for of_image in of_images for pair in of_image]
            shares = self._shares(pairs)
            rows.append((modality, len(pairs), *shares.values()))
            if pairs:
                metrics |= {f'{modality}/{name}': value for name, value in shares.items()}
        columns = ('modality', 'phrases', *self._shares([]))
        title = f'Phrase grounding (IoU >= {self.iou_threshold:g})'
        print_log(render_table(title, columns, rows), logger='current')
        return metrics

    def _shares(self, pairs: Sequence[PhrasePair]) -> dict[str, float]:
        recall = phrase_recall(pairs, self.topk)
        shares = {f'Recall@{k}': value for k, value in recall.items()}
        return shares | {f'Acc@{self.iou_threshold:g}': phrase_accuracy(pairs)}


def _pairs(
    sample: Mapping[str, Any], dataset_meta: Mapping[str, Any] | None, iou_threshold: float
) -> list[PhrasePair]:
    prediction, truth = read_prediction(sample), read_truth(sample)
    pairs = []
    for phrase, label in enumerate(truth_labels(sample, dataset_meta)):
        truth_boxes = truth.boxes[truth.of_label(label)]
        if not len(truth_boxes):
            continue
        predicted = prediction.of_label(phrase)
        rank = first_hit(
            prediction.boxes[predicted], prediction.scores[predicted], truth_boxes, iou_threshold
        )
        pairs.append(PhrasePair(rank, len(truth_boxes)))
    return pairs
