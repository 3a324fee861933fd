"""Test several tasks, each with a data loader and an evaluator of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner, TestLoop

from mmdet_medglip.registry import LOOPS
from mmdet_medglip.visualization.table import render_table

__all__ = ['MultiTaskTestLoop']


@LOOPS.register_module()
class MultiTaskTestLoop(BaseLoop):
    """Run mmengine's ``TestLoop`` on each task, and name its metrics ``'<task>/<metric>'``.

    Args:
        runner: The runner.
        dataloader: Config of the data loader that tasks have in common (``test_dataloader``).
        evaluator: Config of the evaluator, built anew for each task (``test_evaluator``).
        tasks: Task name to the entries of ``dataloader.dataset`` that are its own, such as
            ``dict(data_root=..., labels=[...])``.
        headline: Metrics of the table that is logged at the end; '-' where a task lacks one.
        fp16: As in ``TestLoop``.

    Raises:
        ValueError: There is no task, or a name has a slash.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: Mapping[str, Any],
        evaluator: dict | list,
        tasks: Mapping[str, Mapping[str, Any]],
        headline: tuple[str, ...] = ('coco/AP50', 'coco/AP', 'phrase/Recall@5'),
        fp16: bool = False,
    ) -> None:
        if not tasks or any('/' in name for name in tasks):
            raise ValueError(
                f'MultiTaskTestLoop needs tasks whose names have no slash, got {list(tasks)}.'
            )
        self.headline = tuple(headline)
        self.loops: dict[str, TestLoop] = {}
        for name, changes in tasks.items():
            dataset = dict(copy.deepcopy(dataloader['dataset']), **changes)
            own = dict(copy.deepcopy(dataloader), dataset=dataset)
            self.loops[name] = TestLoop(runner, own, copy.deepcopy(evaluator), fp16)
        first = next(iter(self.loops.values()))
        super().__init__(runner, first.dataloader)
        self.evaluator = first.evaluator

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(self.loops)

    def run(self) -> dict[str, float]:
        """Test each task.

        Returns:
            ``'<task>/<metric>'`` to value.
        """
        metrics: dict[str, float] = {}
        for name, loop in self.loops.items():
            # Hooks ask the runner's loop for what is being tested.
            self.dataloader, self.evaluator = loop.dataloader, loop.evaluator
            self.runner.visualizer.dataset_meta = loop.evaluator.dataset_meta
            print_log(f'Task {name}: {len(loop.dataloader.dataset)} images', logger='current')
            metrics |= {f'{name}/{key}': value for key, value in loop.run().items()}
        self._log(metrics)
        return metrics

    def _log(self, metrics: Mapping[str, float]) -> None:
        nan = float('nan')
        rows = [
            (name, *(float(metrics.get(f'{name}/{key}', nan)) for key in self.headline))
            for name in self.tasks
        ]
        print_log(render_table('Tasks', ('task', *self.headline), rows), logger='current')
