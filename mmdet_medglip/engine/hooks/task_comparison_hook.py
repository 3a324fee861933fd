"""Measure all tasks before and after a training, and set them side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmdet_medglip.evaluation.functional import TaskChange, task_changes
from mmdet_medglip.registry import HOOKS
from mmdet_medglip.visualization.table import render_table

from .trainable_parameters_hook import count_parameters

__all__ = ['TaskComparisonHook']


@HOOKS.register_module()
class TaskComparisonHook(Hook):
    """Run the test loop before and after training, then log one table and write one file.

    The loop is the one of ``tools/test.py``, a ``MultiTaskTestLoop``. *Before* are the weights that
    training starts from (``load_from``); a resumed training reads these values from the file of its
    first part. *After* are the weights of the last step.

    ``task_comparison.json`` in the work folder has ``base`` (the checkpoint), ``adaptation``,
    ``parameters``, ``trainable`` and ``tasks``: task to metric to ``before``, ``after`` and
    ``change``, null for NaN.

    Args:
        metrics: Metrics to compare, named without the task.
        file_name: Name of the file.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        metrics: Sequence[str] = ('coco/AP50', 'coco/AP'),
        file_name: str = 'task_comparison.json',
    ) -> None:
        self.metrics = tuple(metrics)
        self.file_name = file_name
        self.before: dict[str, float] = {}

    def before_train(self, runner: Runner) -> None:
        """Measure the weights that training starts from.

        Raises:
            ValueError: The test loop has no tasks.
        """
        if not hasattr(runner.test_loop, 'tasks'):
            raise ValueError(
                f'TaskComparisonHook needs test_cfg.type MultiTaskTestLoop, the config has '
                f'{type(runner.test_loop).__name__}.'
            )
        if runner.iter == 0:
            self.before = runner.test_loop.run()
            self._report(runner, {})
        elif self._path(runner).is_file():
            self.before = _read(self._path(runner))

    def after_train(self, runner: Runner) -> None:
        """Measure the trained weights, log the table, write the file."""
        self._report(runner, runner.test_loop.run())

    def _path(self, runner: Runner) -> Path:
        return Path(runner.work_dir, self.file_name)

    def _report(self, runner: Runner, after: dict[str, float]) -> None:
        if not is_main_process():
            return
        changes = task_changes(self.before, after, runner.test_loop.tasks, self.metrics)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        _, total, trained = count_parameters(model)[-1]
        entry = runner.cfg.get('adaptation') or {}
        content = dict(
            base=str(runner._load_from),
            adaptation=entry.get('type', ''),
            parameters=total,
            trainable=trained,
            tasks=_tasks(changes),
        )
        self._path(runner).write_text(json.dumps(content, indent=2) + '\n')
        if after:
            rows = [(f'{c.task} {c.metric}', c.before, c.after, _signed(c.change)) for c in changes]
            title = f'{entry.get("type", "Training")}: before and after'
            table = render_table(title, ('task', 'before', 'after', 'change'), rows)
            print_log(table, logger='current')


def _signed(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:+.3f}'


def _tasks(changes: Sequence[TaskChange]) -> dict[str, dict[str, dict[str, float | None]]]:
    tasks: dict[str, dict] = {}
    for change in changes:
        values = dict(before=change.before, after=change.after, change=change.change)
        tasks.setdefault(change.task, {})[change.metric] = {
            key: None if math.isnan(value) else value for key, value in values.items()
        }
    return tasks


def _read(path: Path) -> dict[str, float]:
    tasks = json.loads(path.read_text())['tasks']
    return {
        f'{task}/{metric}': value['before']
        for task, metrics in tasks.items()
        for metric, value in metrics.items()
        if value['before'] is not None
    }
