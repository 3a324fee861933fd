"""How well questions are answered, as LLaVA-Med scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_medglip.registry import METRICS

from ..ablation.item_scores import AnswerScore, score_answer
from .said_text import said_lines, write_lines

__all__ = ['AnswerMetric']


@METRICS.register_module()
class AnswerMetric(BaseMetric):
    """Score the answers of a VQA model.

    Keys are ``vqa/closed_accuracy``, ``vqa/open_recall``, ``vqa/exact_match`` over all questions,
    and how many there are of either type. A type that does not occur has no key.

    Args:
        out_file: Where to write the answers, in jsonl; None writes none.
        model: Name of the model, to be written.
        collect_device: As in mmengine.
        prefix: First part of the keys.
    """

    default_prefix = 'vqa'

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
        """Keep the answers of a batch."""
        for sample in data_samples:
            self.results += said_lines(sample)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score all answers, and write them."""
        condition = str((self.dataset_meta or {}).get('regions', ''))
        if self.out_file is not None:
            for line in results:
                line.update(model=self.model, condition=condition)
            write_lines(Path(self.out_file), results, 'question_id')
            print_log(f'Answers to {len(results)} questions: {self.out_file}', logger='current')
        scores = [score_answer(line['truth'], line['answer'], line['type']) for line in results]
        return _means(scores)


def _means(scores: Sequence[AnswerScore]) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind, name in (('closed', 'closed_accuracy'), ('open', 'open_recall')):
        values = [score.value for score in scores if score.answer_type == kind]
        if values:
            found[name] = sum(values) / len(values)
            found[f'{kind}_questions'] = len(values)
    if scores:
        found['exact_match'] = sum(score.exact for score in scores) / len(scores)
    return found
