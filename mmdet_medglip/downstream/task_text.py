"""What a small model is asked of an image, and what it should say: lines of a jsonl file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .vqa.question_set import Row
from .vqa.readers.fields import json_lines

__all__ = ['REPORT_REQUEST', 'TASKS', 'Task', 'TaskText', 'read_task_texts']

Task = Literal['vqa', 'report']
TASKS: tuple[Task, ...] = get_args(Task)
REPORT_REQUEST = 'Describe the findings.'
"""What a report model is asked; a question like any other."""

_MOST_BYTES = 1 << 30
_VQA = ('question_id', 'image_id', 'question', 'answer', 'answer_type', 'patient_id')
_REPORT = ('report_id', 'findings', 'patient_id')


@dataclass(frozen=True)
class TaskText:
    """One question and its answer, or the request for a report and the report.

    Attributes:
        text_id: Id of the question or report; not empty.
        image_id: Image that it is about.
        patient_id: Whose image it is; may be empty.
        request: What is asked; not empty.
        answer: What should be said; not empty.
        answer_type: ``closed``, ``open``, or ``report``.
    """

    text_id: str
    image_id: str
    patient_id: str
    request: str
    answer: str
    answer_type: str


def read_task_texts(path: str | Path, task: Task) -> tuple[TaskText, ...]:
    """Read questions or reports.

    Args:
        path: Lines of JSON objects with the keys of ``VqaRecord`` or ``ReportRecord``. Of a report
            with several images the first is taken; of its text the findings.
        task: Which of the two it is.

    Returns:
        One for each line, in their order.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the task is unknown, the file too large or empty, a line is no object, lacks
            a key or has an empty text, or two have one id. The message names file and line.
    """
    if task not in TASKS:
        raise ValueError(f'task must be one of {", ".join(TASKS)}, got {task!r}.')
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist; make it with `python tools/make_questions.py STORE`.'
        )
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f'{path} has more than {_MOST_BYTES} bytes; split it.')
    read = _vqa_text if task == 'vqa' else _report_text
    texts = [read(_object(row), row.where) for row in json_lines(path)]
    seen: set[str] = set()
    for text in texts:
        if text.text_id in seen:
            raise ValueError(f'{path}: the id {text.text_id!r} occurs twice; ids must be unique.')
        seen.add(text.text_id)
    if not texts:
        raise ValueError(f'{path} is empty; expected one JSON object a line.')
    return tuple(texts)


def _object(row: Row) -> Mapping[str, Any]:
    if not isinstance(row.values, dict):
        raise ValueError(f'{row.where} must be a JSON object, got {type(row.values).__name__}.')
    return row.values


def _vqa_text(line: Mapping[str, Any], where: str) -> TaskText:
    values = {key: _text(line, key, where) for key in _VQA}
    if values['answer_type'] not in ('closed', 'open'):
        raise ValueError(
            f'{where}: answer_type must be closed or open, got {values["answer_type"]!r}.'
        )
    return TaskText(
        values['question_id'],
        values['image_id'],
        values['patient_id'],
        values['question'],
        values['answer'],
        values['answer_type'],
    )


def _report_text(line: Mapping[str, Any], where: str) -> TaskText:
    values = {key: _text(line, key, where) for key in _REPORT}
    images = line.get('image_ids')
    if not isinstance(images, list) or not images or not isinstance(images[0], str):
        raise ValueError(f'{where}: image_ids must be a list with one id at least, got {images!r}.')
    return TaskText(
        values['report_id'],
        images[0],
        values['patient_id'],
        REPORT_REQUEST,
        values['findings'],
        'report',
    )


def _text(line: Mapping[str, Any], key: str, where: str) -> str:
    value = line.get(key)
    if not isinstance(value, str) or (not value.strip() and key != 'patient_id'):
        raise ValueError(f'{where}: {key} must be a non-empty string, got {value!r}.')
    return value
