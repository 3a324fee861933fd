"""How well questions are answered, as LLaVA-Med scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet_medglip.registry import METRICS

from ..ablation.item_scores import AnswerScore, score_answer
from .said_text_metric import SaidTextMetric

__all__ = ['AnswerMetric']


@METRICS.register_module()
class AnswerMetric(SaidTextMetric):
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
    id_key = 'question_id'

    def score(self, lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Score all answers."""
        scores = [score_answer(line['truth'], line['answer'], line['type']) for line in lines]
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
