"""What happens when a loss is no number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.registry import HOOKS

__all__ = ['NonFiniteLossHook']

POLICIES = ('error', 'skip')
_FILE = 'skipped_batches.jsonl'


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Look at each loss before weights are changed by it.

    With ``'error'`` training stops at the first loss that is NaN or infinite, and names the images
    of the batch. With ``'skip'`` the batch is left out, on all ranks alike: weights, moments and
    schedules of the optimizer stay as if it were not there; it is counted, and its images are
    written to ``skipped_batches.jsonl`` in the work folder.

    Args:
        policy: ``'error'`` or ``'skip'``.
        max_skipped: Batches that may be left out in a run, at least 1; one more is an error.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, policy: str = 'error', max_skipped: int = 10) -> None:
        if policy not in POLICIES:
            raise ValueError(f'policy must be one of {POLICIES}, got {policy!r}.')
        if max_skipped < 1:
            raise ValueError(f'max_skipped must be at least 1, got {max_skipped!r}.')
        self.policy = policy
        self.max_skipped = max_skipped
        self.skipped = 0
        self._batch: Any = None

    def before_train(self, runner: Runner) -> None:
        """Stand between the loss and the optimizer."""
        wrapper = runner.optim_wrapper
        update = wrapper.update_params

        def guarded(loss: Tensor, *args: Any, **kwargs: Any) -> None:
            if self._is_finite(loss):
                update(loss, *args, **kwargs)
            else:
                self._refuse(runner, loss)

        wrapper.update_params = guarded
        self._undo: Callable[[], None] = lambda: wrapper.__dict__.pop('update_params', None)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Remember whose loss comes next."""
        self._batch = data_batch

    def after_train_epoch(self, runner: Runner) -> None:
        """Tell what was left out so far."""
        if self.skipped:
            runner.logger.warning(
                f'{self.skipped} batches without a finite loss were left out since this run began, '
                f'see {Path(runner.work_dir, _FILE)}.'
            )

    def after_train(self, runner: Runner) -> None:
        """Leave the optimizer as it was."""
        self._undo()

    @staticmethod
    def _is_finite(loss: Tensor) -> bool:
        finite = torch.isfinite(loss.detach()).all()
        if get_world_size() > 1:
            told = finite.to(torch.uint8)
            dist.all_reduce(told, op=dist.ReduceOp.MIN)
            finite = told
        return bool(finite)

    def _refuse(self, runner: Runner, loss: Tensor) -> None:
        value, images = float(loss.detach()), images_of_batch(self._batch)
        where = f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}, rank {get_rank()}'
        told = f'The loss is {value} at {where} with the images {", ".join(images)}.'
        if self.policy == 'error':
            raise TrainingStoppedError(
                f'{told} Look at these images and their boxes, lower the learning rate, or leave '
                "such batches out with NonFiniteLossHook(policy='skip')."
            )
        self.skipped += 1
        line = dict(epoch=runner.epoch + 1, iteration=runner.iter + 1, rank=get_rank())
        line |= dict(loss=str(value), images=images)
        with Path(runner.work_dir, _FILE).open('a', encoding='utf-8') as file:
            file.write(json.dumps(line) + '\n')
        if self.skipped > self.max_skipped:
            raise TrainingStoppedError(
                f'{told} It is batch {self.skipped} of this run that would be left out, more than '
                f'max_skipped={self.max_skipped}.'
            )
        runner.logger.warning(f'{told} The batch is left out.')
        if get_world_size() > 1:
            # Ranks exchange gradients in the backward pass: each must do it, or all wait.
            runner.optim_wrapper.backward(loss)
        runner.optim_wrapper.zero_grad()


def images_of_batch(batch: Any) -> list[str]:
    """Return the ids of the images of a batch, or their paths; ``'?'`` for what has neither."""
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    metas = [getattr(sample, 'metainfo', {}) for sample in samples or ()]
    found = [str(meta.get('img_id', meta.get('img_path', '?'))) for meta in metas]
    return found or ['?']
