"""Evidence of presence with the truth, to fit a calibration on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmdet_medglip.answers import EVIDENCE, PresenceExamples, box_logits
from mmdet_medglip.registry import METRICS

from .samples import (
    is_label_sample,
    phrase_names,
    read_prediction,
    read_presence,
    read_truth,
    truth_labels,
)

__all__ = ['CollectPresence']


@METRICS.register_module()
class CollectPresence(BaseMetric):
    """Gather one example of each asked phrase of each image; ``examples`` has them afterwards.

    The evidence is taken before any calibration. Caption samples are left out: they name what is
    there and so have no phrase that is absent.

    Args:
        evidence: ``'presence_head'`` or ``'box_score'``.
        collect_device: 'cpu' or 'gpu', how ranks exchange results.
        prefix: First part of the keys.
        collect_dir: Shared folder for the exchange by file, a temporary one if not given.

    Attributes:
        examples: PresenceExamples of all ranks, on rank 0 after the evaluation; None before.

    Raises:
        ValueError: Unknown evidence.
    """

    default_prefix = 'presence'

    def __init__(
        self,
        evidence: str = EVIDENCE[0],
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if evidence not in EVIDENCE:
            raise ValueError(f'evidence must be one of {EVIDENCE}, got {evidence!r}.')
        self.evidence = evidence
        self.examples: PresenceExamples | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep phrases, logits and truth of a batch.

        Raises:
            ValueError: If a sample lacks a field, or the evidence.
        """
        for sample in data_samples:
            # None keeps one result per sample, which the exchange between ranks counts on.
            self.results.append(self._read(sample) if is_label_sample(sample) else None)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Join the results and count them.

        Args:
            results: (phrases, logits, present) per label sample, None per caption sample.
        """
        kept = [result for result in results if result is not None]
        phrases, logits, present = zip(*kept, strict=True) if kept else ((), (), ())
        self.examples = PresenceExamples(
            [phrase for names in phrases for phrase in names],
            np.concatenate([np.empty(0), *logits]),
            np.concatenate([np.empty(0, bool), *present]),
        )
        found = int(self.examples.present.sum())
        return {'present': found, 'absent': len(self.examples.present) - found}

    def _read(self, sample: Mapping[str, Any]) -> tuple[tuple[str, ...], Any, Any]:
        phrases = phrase_names(sample)
        if self.evidence == 'presence_head':
            logits = read_presence(sample, 'logits')
            if logits is None:
                raise ValueError(
                    f'Image {sample.get("img_id")!r}: the detector has no presence head; calibrate '
                    'its box scores with --evidence box_score.'
                )
        else:
            boxes = read_prediction(sample)
            logits = box_logits(boxes.scores, boxes.labels, len(phrases))
        present = np.isin(truth_labels(sample, self.dataset_meta), read_truth(sample).labels)
        return phrases, logits, present
