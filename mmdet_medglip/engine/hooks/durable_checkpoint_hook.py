"""Checkpoints that no kill and no full disk can take away."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmdet_medglip.engine.durable_backend import DurableBackend
from mmdet_medglip.engine.training_stopped import TrainingStoppedError
from mmdet_medglip.registry import HOOKS

__all__ = ['DurableCheckpointHook']


@HOOKS.register_module()
class DurableCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` for work folders on a disk of this machine or of a cluster.

    MMEngine removes an old checkpoint before it writes the new one, and writes it in place: a run
    that is killed then has a torn file or none. Here a file is written beside, synced, and takes
    its name at once; older ones are removed after that, those that a kill left there when training
    goes on.

    Args:
        kwargs: As of ``CheckpointHook``, without ``backend_args`` and ``file_client_args``.

    Raises:
        ValueError: A backend is named, or checkpoints shall be saved within epochs, from which
            training by epochs would begin the epoch anew and see images twice.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get('backend_args') or kwargs.get('file_client_args'):
            raise ValueError(
                'DurableCheckpointHook writes files of this machine; use type=CheckpointHook for '
                'another backend.'
            )
        super().__init__(*args, **kwargs, backend_args=dict(backend='durable'))

    def before_train(self, runner: Runner) -> None:
        """Prepare as the parent does, and remove what a killed run left half written."""
        if not self.by_epoch and isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError(
                'DurableCheckpointHook: by_epoch=False saves within epochs, and training by epochs '
                'would begin the epoch anew: use by_epoch=True, or an IterBasedTrainLoop.'
            )
        super().before_train(runner)
        if is_main_process():
            for path in list(self._left_behind()):
                path.unlink(missing_ok=True)

    def _left_behind(self) -> Iterator[Path]:
        """What a killed run wrote in part, and what it was about to remove."""
        yield from Path(self.out_dir).glob('.*.pth.partial')
        kept = getattr(self, 'keep_ckpt_ids', ())
        if kept and len(kept) == self.max_keep_ckpts:
            name = re.compile(re.escape(self.filename_tmpl).replace(re.escape('{}'), r'(\d+)'))
            for path in Path(self.out_dir).iterdir():
                found = name.fullmatch(path.name)
                if found and int(found[1]) < min(kept):
                    yield path

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        with self._whole(runner):
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._whole(runner):
            super()._save_best_checkpoint(runner, metrics)

    @contextlib.contextmanager
    def _whole(self, runner: Runner) -> Iterator[None]:
        """Remove old files last, and say in one sentence what went wrong."""
        backend = self.file_backend
        later = backend.removing_later() if isinstance(backend, DurableBackend) else None
        try:
            with later or contextlib.nullcontext():
                yield
        except OSError as error:
            raise TrainingStoppedError(
                f'The checkpoint at epoch {runner.epoch}, iteration {runner.iter} could not be '
                f'written to {self.out_dir} ({error.strerror or error}). Earlier checkpoints are '
                'whole: make room and go on with --resume.'
            ) from error
