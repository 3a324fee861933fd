"""Score files of answers and reports, whichever model said them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .item_scores import count_findings, score_answer
from .scored_item import ScoredItem

__all__ = ['read_said', 'score_said']


def read_said(path: str | Path) -> list[dict[str, Any]]:
    """Read a file of answers or reports.

    Args:
        path: Lines of JSON objects.

    Returns:
        The objects.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If a line is no object.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'The file of answers {path} does not exist; run the model first.')
    lines = []
    with path.open(encoding='utf-8') as file:
        for number, text in enumerate(file, start=1):
            try:
                line = json.loads(text)
            except json.JSONDecodeError as error:
                raise ValueError(f'{path}, line {number} is not valid JSON ({error}).') from None
            if not isinstance(line, dict):
                raise ValueError(f'{path}, line {number} must be an object, got {line!r:.80}.')
            lines.append(line)
    return lines


def score_said(
    path: str | Path, group_of: Callable[[str], str] = lambda item_id: ''
) -> list[ScoredItem]:
    """Score each line of a file that a small model wrote.

    Args:
        path: Answers with ``question_id, truth, answer, type``, or reports with ``report_id,
            findings_true, findings_said``; both with ``patient_id``.
        group_of: Group of an item by its id.

    Returns:
        One item for each line, in their order.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If a line is damaged or lacks a key, or there is none.
    """
    items = []
    for number, line in enumerate(read_said(path), start=1):
        try:
            items.append(_report(line) if 'report_id' in line else _answer(line))
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'{path}, line {number} lacks {error} or has another type there; it must be an '
                'answer or report as the metrics of configs/downstream write them.'
            ) from None
    if not items:
        raise ValueError(f'{path} has no line; expected one for each question or report.')
    return [_grouped(item, group_of) for item in items]


def _answer(line: Mapping[str, Any]) -> ScoredItem:
    score = score_answer(line['truth'], line['answer'], line['type'])
    measure = 'closed_accuracy' if score.answer_type == 'closed' else 'open_recall'
    return ScoredItem(line['question_id'], line['patient_id'], measure, score.value, 1.0)


def _report(line: Mapping[str, Any]) -> ScoredItem:
    counts = count_findings(line['findings_true'], line['findings_said'])
    return ScoredItem(
        line['report_id'],
        line['patient_id'],
        'finding_f1',
        2.0 * counts.both,
        float(counts.said + counts.true),
    )


def _grouped(item: ScoredItem, group_of: Callable[[str], str]) -> ScoredItem:
    group = group_of(item.item_id)
    return ScoredItem(item.item_id, item.patient_id, item.measure, item.part, item.whole, group)
