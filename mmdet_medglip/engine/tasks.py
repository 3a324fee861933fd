"""Turn the config entry ``tasks`` into training, validation and test data.

A config that adapts a model to a new task names its data once::

    tasks = dict(
        new=dict(data_root='data/new/store/', shots=10, shot_seed=0),
        old=dict(data_root='data/demo/store/', labels=['liver', 'spleen']),
    )
    replay = 1.0

The first task is the new one; the others are what the model can do already. The entries of a
task are those of its data sets (``data_root``, ``modalities``, ``labels`` ...), in place of
the config's own.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

__all__ = ['expand_tasks']

_TRAINING_ONLY = ('shots', 'shot_seed', 'shot_unit')
_DIFFERS = ['classes', 'class_names', 'labels_of']
"""Entries of ``metainfo`` in which data sets of different labels differ."""


def expand_tasks(config: Config) -> None:
    """Replace the entries ``tasks`` and ``replay`` of a config by what they mean.

    - Training takes the new task, with its ``shots``. With ``replay`` it takes the old tasks too,
      all of their images: ``replay`` batches of them for each batch of the new one, shared equally
      by the old tasks. The number of batches in an epoch stays.
    - Validation takes the new task.
    - Testing takes each task by itself, in a ``MultiTaskTestLoop``.

    Args:
        config: Has ``train_dataloader`` with a ``batch_sampler`` that keeps a ``dataset_ratio``,
            ``val_dataloader``, ``test_dataloader`` and ``test_cfg``; changed in place. A config
            without ``tasks`` stays as it is.

    Raises:
        ValueError: There is no task, one is no dict, or ``replay`` is no number of at least 0 or
            has nothing to replay.
    """
    if 'tasks' not in config:
        return
    tasks, replay = config.pop('tasks'), config.pop('replay', 0)
    if not isinstance(tasks, Mapping) or not tasks or not all(map(_is_dict, tasks.values())):
        raise ValueError(f'tasks must map names to entries of data sets, got {tasks!r}.')
    new, *old = tasks.values()
    if not isinstance(replay, (int, float)) or not 0 <= replay < math.inf or (replay and not old):
        raise ValueError(
            f'replay must be 0 or, with an old task in tasks, a number above it, got {replay!r} '
            f'with {len(old)} old tasks.'
        )
    config.train_dataloader = _training(config.train_dataloader, new, old, replay)
    config.val_dataloader.dataset.update(_lasting(new))
    config.test_dataloader.dataset.update(_lasting(new))
    test_tasks = {name: _lasting(task) for name, task in tasks.items()}
    config.test_cfg = dict(config.test_cfg, type='MultiTaskTestLoop', tasks=test_tasks)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _lasting(task: Mapping[str, Any]) -> dict[str, Any]:
    """What of a task is not for training alone."""
    return {key: value for key, value in task.items() if key not in _TRAINING_ONLY}


def _training(
    loader: Mapping[str, Any], new: Mapping[str, Any], old: list, replay: float
) -> dict[str, Any]:
    template = loader['dataset']
    if not replay:
        return dict(loader, dataset=dict(template, **new))
    datasets = [dict(copy.deepcopy(template), **new)]
    datasets += [dict(copy.deepcopy(template), **_lasting(task)) for task in old]
    return dict(
        loader,
        dataset=dict(type='ConcatDataset', datasets=datasets, ignore_keys=_DIFFERS),
        batch_sampler=dict(
            loader['batch_sampler'], dataset_ratio=[1.0, *[replay / len(old)] * len(old)]
        ),
    )
