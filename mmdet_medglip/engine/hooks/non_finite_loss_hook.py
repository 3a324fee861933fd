"""What happens when a loss or its gradient is no number."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.dist import all_gather_object, get_rank, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor
from torch.optim import Optimizer

from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.registry import HOOKS

__all__ = ['NonFiniteLossHook']

POLICIES = ('error', 'skip')
_FILE = 'skipped_batches.jsonl'


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Look at each loss, and at the gradient of each step, before weights are changed by it.

    With ``'error'`` training stops at the first loss that is NaN or infinite, and names the images
    of the batch. With ``'skip'`` the batch is left out, on all ranks alike: weights and moments of
    the optimizer stay as if it were not there; it is counted, and its images are written to
    ``skipped_batches.jsonl`` in the work folder.

    Where gradients of several batches are added up for a step, a batch that is left out adds none.
    A finite loss can have a gradient that is not; it is treated alike, with the images of all
    batches of its step. A gradient scaler (``AmpOptimWrapper``) takes infinite gradients as its
    signal to lower the scale and leaves such steps out itself; there, only losses are looked at.

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
        self._images: list[list[str]] = []  # of each batch since the last step

    def before_train(self, runner: Runner) -> None:
        """Stand between the loss and the optimizer."""
        wrapper = runner.optim_wrapper
        update, step = wrapper.update_params, wrapper.step

        def guarded_update(loss: Tensor, *args: Any, **kwargs: Any) -> None:
            if self._is_finite(loss):
                update(loss, *args, **kwargs)
                return
            self._refuse(runner, 'loss', loss, self._images[-1:])
            del self._images[-1:]
            wrapper._inner_count += 1  # as backward() does
            if self._images and wrapper.should_update():
                wrapper.step()
                wrapper.zero_grad()

        @functools.wraps(step)
        def guarded_step(**kwargs: Any) -> None:
            norm = gradient_norm(wrapper.optimizer)
            if self._is_finite(norm):
                step(**kwargs)
            else:
                self._refuse(runner, 'norm of the gradient', norm, self._images)
            self._images.clear()

        wrapper.update_params = guarded_update
        if not hasattr(wrapper, 'loss_scaler'):
            wrapper.step = guarded_step
        self._guarded = wrapper

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Remember whose loss comes next."""
        if hasattr(runner.optim_wrapper, 'loss_scaler'):
            self._images.clear()
        self._images.append(images_of_batch(data_batch))

    def after_train_epoch(self, runner: Runner) -> None:
        """Tell what was left out so far."""
        if self.skipped:
            runner.logger.warning(
                f'{self.skipped} batches without a finite loss or gradient were left out since '
                f'this run began, see {Path(runner.work_dir, _FILE)}.'
            )

    def after_train(self, runner: Runner) -> None:
        """Leave the optimizer as it was."""
        for name in ('update_params', 'step'):
            self._guarded.__dict__.pop(name, None)

    @staticmethod
    def _is_finite(value: Tensor) -> bool:
        finite = torch.isfinite(value.detach()).all()
        if get_world_size() > 1:
            told = finite.to(torch.uint8)
            dist.all_reduce(told, op=dist.ReduceOp.MIN)
            finite = told
        return bool(finite)

    def _refuse(self, runner: Runner, what: str, value: Tensor, images: list[list[str]]) -> None:
        own = get_rank(), float(value.detach()), [name for batch in images for name in batch]
        found = [one for one in all_gather_object(own) if not math.isfinite(one[1])]
        told = ' '.join(
            f'The {what} is {number} at epoch {runner.epoch + 1}, iteration {runner.iter + 1}, '
            f'rank {rank} with the images {", ".join(names)}.'
            for rank, number, names in found
        )
        if self.policy == 'error':
            raise TrainingStoppedError(
                f'{told} Look at these images and their boxes, lower the learning rate, or leave '
                "such batches out with NonFiniteLossHook(policy='skip')."
            )
        self.skipped += 1
        if is_main_process():
            with Path(runner.work_dir, _FILE).open('a', encoding='utf-8') as file:
                for rank, number, names in found:
                    line = dict(epoch=runner.epoch + 1, iteration=runner.iter + 1, rank=rank)
                    line |= {what.split()[-1]: str(number), 'images': names}
                    file.write(json.dumps(line) + '\n')
        if self.skipped > self.max_skipped:
            raise TrainingStoppedError(
                f'{told} It is batch {self.skipped} of this run that would be left out, more than '
                f'max_skipped={self.max_skipped}.'
            )
        runner.logger.warning(f'{told} The batch is left out.')


def gradient_norm(optimizer: Optimizer) -> Tensor:
    """Return the Euclidean norm of all gradients of an optimizer, a scalar; 0 if there are none."""
    parameters = (p for group in optimizer.param_groups for p in group['params'])
    norms = [torch.linalg.vector_norm(p.grad) for p in parameters if p.grad is not None]
    return torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())


def images_of_batch(batch: Any) -> list[str]:
    """Return the ids of the images of a batch, or their paths; ``'?'`` for what has neither."""
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    metas = [getattr(sample, 'metainfo', {}) for sample in samples or ()]
    found = [str(meta.get('img_id', meta.get('img_path', '?'))) for meta in metas]
    return found or ['?']
