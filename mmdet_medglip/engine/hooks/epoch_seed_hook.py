"""Random numbers that begin anew with every epoch, so that a resumed training draws the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmdet_medglip.datasets.sample_clock import seed_of
from mmdet_medglip.registry import HOOKS

__all__ = ['EpochSeedHook', 'data_sets_of']


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed Python, NumPy and PyTorch at the begin of each epoch from seed, epoch and rank.

    MMEngine seeds them once, so that a training that goes on from a checkpoint draws other random
    views, other prompts and other dropout than one that was not interrupted. Data sets with a
    method ``begin_epoch(seed, epoch)`` are told, for their worker processes. A training that
    counts iterations only is left alone.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed this process, which may load the first batch, and tell data sets for workers."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        _seed(runner)
        for data in data_sets_of(runner.train_dataloader.dataset):
            if hasattr(data, 'begin_epoch'):
                data.begin_epoch(runner.seed, runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed again before the first step: a loader draws when it starts workers, not after."""
        if not batch_idx and isinstance(runner.train_loop, EpochBasedTrainLoop):
            _seed(runner)


def _seed(runner: Runner) -> None:
    own = seed_of(runner.seed, runner.epoch, get_rank())
    random.seed(own)
    np.random.seed(own)
    torch.manual_seed(own)


def data_sets_of(data: Any) -> Iterator[Any]:
    """Yield a data set and those that it wraps or joins."""
    yield data
    wrapped = getattr(data, 'dataset', None)
    for inner in [*getattr(data, 'datasets', ()), *([wrapped] if wrapped is not None else ())]:
        yield from data_sets_of(inner)
