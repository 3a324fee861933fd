"""A runner that adapts its model before anything is built on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmdet_medglip.registry import ADAPTATIONS, DATASETS, RUNNERS

from .adaptation import Adaptation
from .adaptation_hook import AdaptationHook

__all__ = ['AdaptationRunner', 'adapt']


def adapt(
    model: nn.Module, adaptation: dict | Adaptation, phrases: Sequence[str] = ()
) -> Adaptation:
    """Adapt a detector outside of a runner, for example to load adapted weights.

    Args:
        model: Changed in place.
        adaptation: Config entry, as ``config.adaptation``.
        phrases: Phrases of the new task, for :class:`PromptTuning` that names none.

    Returns:
        The adaptation; its ``merge`` folds added layers into the model.

    Raises:
        ValueError: The entry or the model does not fit.
    """
    if isinstance(adaptation, dict):
        adaptation = ADAPTATIONS.build(dict(adaptation))
    adaptation.apply(model, lambda: phrases)
    return adaptation


@RUNNERS.register_module()
class AdaptationRunner(Runner):
    """A runner whose config has an entry ``adaptation``, see :class:`Adaptation`.

    ``runner_type = 'AdaptationRunner'`` in a config that ``build_runner`` reads. The model is
    adapted as soon as it is built, before optimizer, distributed wrapper and checkpoints.

    Raises:
        ValueError: The config has no ``adaptation``, or it does not fit the model.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_hook(AdaptationHook(self.adaptation))

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model and adapt it."""
        entry = self.cfg.get('adaptation')
        if not entry:
            raise ValueError(
                "AdaptationRunner: the config has no entry adaptation, such as dict(type='LoRA')."
            )
        model = super().build_model(model)
        self.adaptation: Adaptation = ADAPTATIONS.build(dict(entry))
        self.adaptation.apply(model, self._new_phrases)
        return model

    def _new_phrases(self) -> Sequence[str]:
        """Names of the labels of the first training data set; none if that is not here."""
        dataset = self.cfg.get('train_dataloader', {}).get('dataset')
        while dataset and 'datasets' in dataset:
            dataset = dataset['datasets'][0]
        if not dataset:
            return ()
        # Which images are chosen does not matter to the names of the labels.
        entry = {key: value for key, value in dataset.items() if key != 'shots'}
        try:
            return DATASETS.build(dict(entry, pipeline=[])).metainfo['class_names']
        except FileNotFoundError:
            return ()

    def _init_model_weights(self) -> None:
        super()._init_model_weights()
        self.adaptation.reset(self.model.module if is_model_wrapper(self.model) else self.model)
