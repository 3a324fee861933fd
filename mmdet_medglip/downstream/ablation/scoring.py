"""Score files of answers and reports, whichever model said them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..task_text import TaskText
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
            except (ValueError, RecursionError) as error:
                raise ValueError(f'{path}, line {number} is not valid JSON ({error}).') from None
            if not isinstance(line, dict):
                raise ValueError(f'{path}, line {number} must be an object, got {line!r:.80}.')
            lines.append(line)
    return lines


def score_said(path: str | Path, truths: Mapping[str, TaskText] | None = None) -> list[ScoredItem]:
    """Score each line of a file of answers or reports.

    Args:
        path: Answers with ``question_id`` and ``answer``, as a small model or ``tools/vqa.py run``
            writes them, or reports with ``report_id, findings_true, findings_said``.
        truths: The questions by their id; None for files of a small model, which have the truth in
            each line: ``truth, type, patient_id``.

    Returns:
        One item for each line, in the order of their ids.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If a line is damaged, lacks a key or answers no question, two have one id, or
            there is none.
    """
    items: dict[str, ScoredItem] = {}
    for number, line in enumerate(read_said(path), start=1):
        where = f'{path}, line {number}'
        try:
            item = _report(line) if 'report_id' in line else _answer(line, truths)
        except (KeyError, TypeError) as error:
            raise ValueError(
                f'{where} lacks {error} or has another type there; expected an answer or report as '
                'the metrics of configs/downstream write them, or, with --questions, an answer of '
                'tools/vqa.py to one of these questions.'
            ) from None
        if items.setdefault(item.item_id, item) is not item:
            raise ValueError(f'{where} has the id {item.item_id!r} of an earlier line.')
    if not items:
        raise ValueError(f'{path} has no line; expected one for each question or report.')
    return [items[item_id] for item_id in sorted(items)]


def _answer(line: Mapping[str, Any], truths: Mapping[str, TaskText] | None) -> ScoredItem:
    item_id = line['question_id']
    if truths is None:
        truth, kind, patient = line['truth'], line['type'], line['patient_id']
    else:
        asked = truths[item_id]
        truth, kind, patient = asked.answer, asked.answer_type, asked.patient_id
    score = score_answer(truth, line['answer'], kind)
    measure = 'closed_accuracy' if kind == 'closed' else 'open_recall'
    return ScoredItem(item_id, patient, measure, score.value, 1.0)


def _report(line: Mapping[str, Any]) -> ScoredItem:
    counts = count_findings(line['findings_true'], line['findings_said'])
    return ScoredItem(
        line['report_id'],
        line['patient_id'],
        'finding_f1',
        2.0 * counts.both,
        float(counts.said + counts.true),
    )
