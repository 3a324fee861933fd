"""Tell after each epoch which images could not be read."""

from __future__ import annotations

from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmdet_medglip.datasets.quarantine import QUARANTINE_FILE, quarantined
from mmdet_medglip.engine.hooks.epoch_seed_hook import data_sets_of
from mmdet_medglip.registry import HOOKS

__all__ = ['QuarantineHook']

_SHOWN = 5


@HOOKS.register_module()
class QuarantineHook(Hook):
    """Keep ``quarantine.jsonl`` in the work folder, of data sets with ``bad_images='quarantine'``.

    Without such a data set it does nothing. After each epoch, or after a training that counts
    iterations, a warning has the number of images that were passed over, and the first of them.
    """

    def before_train(self, runner: Runner) -> None:
        """Tell data sets where to write, before their workers start."""
        for data in data_sets_of(runner.train_dataloader.dataset):
            if getattr(data, 'quarantine', None) is not None:
                data.quarantine.path = Path(runner.work_dir, QUARANTINE_FILE).absolute()

    @master_only
    def after_train_epoch(self, runner: Runner) -> None:
        """Warn if there were any."""
        path = Path(runner.work_dir, QUARANTINE_FILE)
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        found = quarantined(path, [runner.epoch if by_epoch else -1])
        if found:
            when = f' of epoch {runner.epoch + 1}' if by_epoch else ''
            first = ', '.join(list(found)[:_SHOWN])
            more = f' and {len(found) - _SHOWN} more' if len(found) > _SHOWN else ''
            runner.logger.warning(
                f'{len(found)} images{when} could not be read; the next one of their modality took '
                f'their place: {first}{more}. Reasons are in {path}.'
            )
