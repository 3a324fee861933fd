"""Hold frozen modules still, and save what was adapted."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from .adaptation import Adaptation
from .base_weights import ADAPTED_FROM, complete, keep_adapted, weights_of
from .freezing import frozen_modules, frozen_names

__all__ = ['AdaptationHook']


class AdaptationHook(Hook):
    """What an :class:`Adaptation` does while a runner trains; an ``AdaptationRunner`` adds it.

    - Modules that do not train stay in evaluation mode: no dropout, no running statistics.
    - With ``save='adapted'`` checkpoints hold the adapted weights alone; they are completed with
      the base when they are loaded.

    Args:
        adaptation: Applied to the runner's model.
    """

    priority = 'HIGH'  # before the hook that compares a checkpoint with the model

    def __init__(self, adaptation: Adaptation) -> None:
        self.adaptation = adaptation
        self._still: list[nn.Module] = []
        self._base: tuple[str, set[str]] | None = None

    def before_train(self, runner: Runner) -> None:
        """Find what holds still.

        Raises:
            ValueError: Nothing trains, or adapted weights are to be saved that have no base.
        """
        model = _model(runner)
        if not any(p.requires_grad for p in model.parameters()):
            raise ValueError(
                f'{type(self.adaptation).__name__} leaves nothing to train; name phrases or '
                'parameters in the config entry adaptation.'
            )
        if self.adaptation.save == 'adapted' and self._base is None:
            raise ValueError(
                "adaptation.save='adapted' needs a base: name its checkpoint in load_from."
            )
        self._still = frozen_modules(model)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None
    ) -> None:
        """Put frozen modules into evaluation mode again, if the loop has changed that."""
        for module in self._still:
            if module.training:
                module.eval()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Complete a checkpoint of adapted weights, and remember the base."""
        name = str(runner._load_from or f'The latest checkpoint in {runner.work_dir}')
        noted = (checkpoint.get('meta') or {}).get(ADAPTED_FROM)
        given = complete(checkpoint, _model(runner).state_dict(), name, self.adaptation.base)
        if noted is not None:
            self._base = self.adaptation.base or noted['file'], given
        elif runner._load_from is not None:
            self._base = name, set(weights_of(checkpoint))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Leave out what the base has, if that is asked for."""
        if self.adaptation.save == 'adapted' and self._base is not None:
            base, names = self._base
            keep_adapted(checkpoint, frozen_names(_model(runner)) & names, base)


def _model(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
