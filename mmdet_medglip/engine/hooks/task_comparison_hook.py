"""Measure all tasks before and after a training, and set them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmdet_medglip.engine.task_comparison import (
    FILE_NAME,
    Comparison,
    changes_table,
    read_comparison,
    write_comparison,
)
from mmdet_medglip.evaluation.functional import task_changes
from mmdet_medglip.registry import HOOKS

from .trainable_parameters_hook import count_parameters

__all__ = ['TaskComparisonHook']


@HOOKS.register_module()
class TaskComparisonHook(Hook):
    """Run the test loop before and after training, then log one table and write one file.

    The loop is the one of ``tools/test.py``, a ``MultiTaskTestLoop``. *Before* are the weights that
    training starts from (``load_from``); a resumed training reads these values from the file of its
    first part. *After* are the weights of the last step. The file is ``task_comparison.json`` in
    the work folder, see :mod:`mmdet_medglip.engine.task_comparison`.

    Args:
        metrics: Metrics to compare, named without the task.
    """

    priority = 'VERY_LOW'

    def __init__(self, metrics: Sequence[str] = ('coco/AP50', 'coco/AP')) -> None:
        self.metrics = tuple(metrics)
        self.base = ''
        self.before: Mapping[str, float] = {}

    def before_train(self, runner: Runner) -> None:
        """Measure the weights that training starts from.

        Raises:
            ValueError: The test loop has no tasks.
        """
        if not hasattr(runner.test_loop, 'tasks'):
            raise ValueError(
                'TaskComparisonHook needs test_cfg.type MultiTaskTestLoop, the config has '
                f'{type(runner.test_loop).__name__}.'
            )
        path = Path(runner.work_dir, FILE_NAME)
        if runner.iter == 0:
            self.base = str(runner._load_from or '')
            self.before = runner.test_loop.run()
            self._write(runner, {})
        elif path.is_file():
            first = read_comparison(path)
            self.base = first.base
            self.before = {f'{one.task}/{one.metric}': one.before for one in first.changes}

    def after_train(self, runner: Runner) -> None:
        """Measure the trained weights, log the table, write the file."""
        self._write(runner, runner.test_loop.run())

    def _write(self, runner: Runner, after: Mapping[str, float]) -> None:
        if not is_main_process():
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        _, total, trained = count_parameters(model)[-1]
        comparison = Comparison(
            self.base,
            str((runner.cfg.get('adaptation') or {}).get('type', '')),
            total,
            trained,
            task_changes(self.before, after, runner.test_loop.tasks, self.metrics),
        )
        write_comparison(Path(runner.work_dir, FILE_NAME), comparison)
        if after:
            print_log(changes_table(comparison), logger='current')
