"""Whether a report says the findings that an image has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet_medglip.registry import METRICS
from mmdet_medglip.store import GroundingStore

from ..ablation.item_scores import FindingCounts, count_findings
from ..generate import annotated_labels, facts_of, findings_of_report, findings_of_truth
from .said_text import said_lines
from .said_text_metric import SaidTextMetric

__all__ = ['FindingMetric']


@METRICS.register_module()
class FindingMetric(SaidTextMetric):
    """Compare the findings that reports say with those that images have.

    A finding is a label with its side. Keys are ``report/finding_f1``, ``.._precision``,
    ``.._recall``, over the findings of all images together, and ``report/reference_f1``, what the
    reports to learn from reach: what is lost in words.

    Args:
        data_root: Folder of the store, whose regions are the truth.
        out_file: Where to write the reports, in jsonl; None writes none.
        model: Name of the model, to be written.
        collect_device: As in mmengine.
        prefix: First part of the keys.
    """

    default_prefix = 'report'
    id_key = 'report_id'

    def __init__(
        self,
        data_root: str,
        out_file: str | None = None,
        model: str = 'small',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(out_file, model, collect_device, prefix)
        self.store = GroundingStore(data_root)
        self.annotated = annotated_labels(self.store)
        ids = self.store.column('image_id').to_pylist()
        self._row = {image_id: row for row, image_id in enumerate(ids)}

    def lines_of(self, sample: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a line for each report of a sample, with what is true of its image."""
        lines = said_lines(sample)
        for line in lines:
            record = self.store[self._row[line['image_id']]]
            labels = self.annotated[record.source, record.modality]
            facts = facts_of(record, labels)
            line['findings_true'] = sorted(findings_of_truth(facts))
            line['findings_said'] = sorted(findings_of_report(line['answer'], facts.labels))
            line['findings_reference'] = sorted(findings_of_report(line['truth'], facts.labels))
        return lines

    def score(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Score all reports."""
        said, reference = FindingCounts(), FindingCounts()
        for line in lines:
            truth = line['findings_true']
            said += count_findings(truth, line['findings_said'])
            reference += count_findings(truth, line['findings_reference'])
        return {
            'finding_f1': said.f1,
            'finding_precision': said.precision,
            'finding_recall': said.recall,
            'reference_f1': reference.f1,
        }
