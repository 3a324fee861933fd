"""What a training changed, task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ['TaskChange', 'task_changes']


@dataclass(frozen=True)
class TaskChange:
    """One metric of one task, before and after.

    Attributes:
        task: Name of the task.
        metric: Name of the metric, without the task.
        before: Its value; NaN where it was not measured or has no truth.
        after: As ``before``.
    """

    task: str
    metric: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """``after - before``; below zero something was forgotten. NaN if a value is."""
        return self.after - self.before


def task_changes(
    before: Mapping[str, float],
    after: Mapping[str, float],
    tasks: Sequence[str],
    metrics: Sequence[str],
) -> list[TaskChange]:
    """Set the metrics of two evaluations side by side.

    Args:
        before: ``'task/metric'`` to value; may be empty.
        after: As ``before``.
        tasks: Names, in the order wanted.
        metrics: Names without the task, such as ``'coco/AP50'``.

    Returns:
        A change per task and metric, task by task.

    Raises:
        ValueError: No task has one of the metrics.

    Example:
        >>> task_changes({'old/AP': 0.5}, {'old/AP': 0.25}, ['old'], ['AP'])[0].change
        -0.25
    """
    for metric in metrics:
        if not any(f'{task}/{metric}' in {*before, *after} for task in tasks):
            raise ValueError(
                f'No task has the metric {metric!r}; there are '
                f'{", ".join(sorted({*before, *after})[:8])}.'
            )
    nan = float('nan')
    return [
        TaskChange(
            task,
            metric,
            float(before.get(f'{task}/{metric}', nan)),
            float(after.get(f'{task}/{metric}', nan)),
        )
        for task in tasks
        for metric in metrics
    ]
