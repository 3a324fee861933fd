"""The file that says what a training changed, and tables of one or several of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmdet_medglip.evaluation.functional import TaskChange
from mmdet_medglip.visualization.table import render_table

__all__ = [
    'FILE_NAME',
    'Comparison',
    'changes_table',
    'read_comparison',
    'runs_table',
    'write_comparison',
]

FILE_NAME = 'task_comparison.json'


class Comparison(NamedTuple):
    """All tasks before and after one training.

    Attributes:
        base: Checkpoint that training started from.
        adaptation: How it was adapted, a type's name; may be empty.
        parameters: Number of parameters.
        trainable: Number of those that trained.
        changes: Metrics of the tasks.
    """

    base: str
    adaptation: str
    parameters: int
    trainable: int
    changes: Sequence[TaskChange]


def write_comparison(path: str | Path, comparison: Comparison) -> None:
    """Write a comparison as JSON.

    The entries are those of :class:`Comparison` with ``tasks`` in place of ``changes``: task to
    metric to ``before``, ``after`` and ``change``, null for NaN.

    Raises:
        OSError: The file cannot be written.
    """
    tasks: dict[str, dict] = {}
    for one in comparison.changes:
        values = dict(before=one.before, after=one.after, change=one.change)
        tasks.setdefault(one.task, {})[one.metric] = {
            key: None if math.isnan(value) else value for key, value in values.items()
        }
    content = comparison._asdict() | dict(tasks=tasks)
    del content['changes']
    Path(path).write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


def read_comparison(path: str | Path) -> Comparison:
    """Read what :func:`write_comparison` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no comparison.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'There is no {path}; a training with TaskComparisonHook writes one.'
        )
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        changes = [
            TaskChange(task, metric, _number(values['before']), _number(values['after']))
            for task, metrics in content['tasks'].items()
            for metric, values in metrics.items()
        ]
        return Comparison(
            str(content['base']),
            str(content['adaptation']),
            int(content['parameters']),
            int(content['trainable']),
            changes,
        )
    except (
        *(ValueError, KeyError, TypeError, AttributeError),
        *(OverflowError, RecursionError),
    ) as error:
        raise ValueError(f'{path} is no comparison of tasks ({error!r:.300}).') from error


def changes_table(comparison: Comparison) -> str:
    """Table of one training: a row per task and metric, before, after and change beside them."""
    rows = [
        (f'{one.task} {one.metric}', one.before, one.after, _signed(one.change))
        for one in comparison.changes
    ]
    title = f'{comparison.adaptation or "Training"}: before and after'
    return render_table(title, ('task', 'before', 'after', 'change'), rows)


def runs_table(runs: Mapping[str, Comparison], metric: str) -> str:
    """Table of several trainings: a row per run, for each task after and change.

    Args:
        runs: Name of a run to its comparison, at least one.
        metric: Such as ``'coco/AP50'``.

    Returns:
        Lines of text; '-' where a run lacks a task.

    Raises:
        ValueError: No run has the metric.
    """
    found = {
        name: {one.task: one for one in run.changes if one.metric == metric}
        for name, run in runs.items()
    }
    tasks = list(dict.fromkeys(task for changes in found.values() for task in changes))
    if not tasks:
        known = sorted({one.metric for run in runs.values() for one in run.changes})
        raise ValueError(f'No run has the metric {metric!r}; there are {", ".join(known)}.')
    rows = []
    for name, run in runs.items():
        row: list[Any] = [name, run.trainable]
        for task in tasks:
            one = found[name].get(task)
            row += [one.before, one.after, _signed(one.change)] if one else ['-', '-', '-']
        rows.append(row)
    parts = ('before', 'after', 'change')
    columns = ['run', 'trainable', *(f'{task} {part}' for task in tasks for part in parts)]
    return render_table(metric, columns, rows)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _signed(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:+.3f}'
