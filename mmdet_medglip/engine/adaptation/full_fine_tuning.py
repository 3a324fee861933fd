"""Train everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from mmdet_medglip.registry import ADAPTATIONS

from .adaptation import Adaptation
from .freezing import unfreeze

__all__ = ['FullFineTuning']


@ADAPTATIONS.register_module()
class FullFineTuning(Adaptation):
    """Train all weights but those that the model's own config freezes.

    Learning rates of parts are mmengine's:
    ``optim_wrapper.paramwise_cfg.custom_keys={'backbone': dict(lr_mult=0.1)}``.

    Args:
        trained: As in :class:`Adaptation`; here it thaws what the model froze.
        save: As in :class:`Adaptation`.
        base: As in :class:`Adaptation`.
    """

    def apply(self, model: nn.Module, new_phrases: Callable[[], Sequence[str]]) -> None:
        """Leave the model as it is."""
        unfreeze(model, self.trained)
