"""Train updates of low rank, by the peft library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from mmdet_medglip.registry import ADAPTATIONS

from .adaptation import Adaptation
from .freezing import unfreeze

if TYPE_CHECKING:
    from peft import LoraConfig

__all__ = ['LoRA']

_ADAPTER = 'default'


@ADAPTATIONS.register_module()
class LoRA(Adaptation):
    """Train updates ``(alpha / rank) B A`` of some layers' weights, all else frozen.

    ``A`` starts at random and ``B`` at zero, so the model starts as the base, bit by bit. The
    layers are those of the peft library; :meth:`merge` folds the updates into the base.

    Args:
        targets: Regular expressions, matched at the start of a module's name; every ``nn.Linear``
            and ``nn.Conv2d`` that one of them names gets an update. A convolution with groups or
            dilation is left out, since peft cannot merge or run it.
        rank: Rank of an update.
        alpha: Scale of the updates, over ``rank``.
        dropout: Probability with which an update's input is dropped. Layers whose weight is read
            rather than called know no dropout.
        trained: As in :class:`Adaptation`.
        save: As in :class:`Adaptation`.
        base: As in :class:`Adaptation`.

    Raises:
        ValueError: ``rank`` is no positive number.

    Source:
        LoRA (arXiv 2106.09685), equation 3.
    """

    def __init__(
        self,
        targets: Sequence[str] = ('neck', 'bbox_head'),
        rank: int = 8,
        alpha: float = 16,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(rank, int) or rank < 1:
            raise ValueError(f'adaptation.rank must be a positive integer, got {rank!r}.')
        self.targets = (targets,) if isinstance(targets, str) else tuple(targets)
        self.rank, self.alpha, self.dropout = rank, alpha, dropout

    def apply(self, model: nn.Module, new_phrases: Callable[[], Sequence[str]]) -> None:
        """Put the updates in place.

        Raises:
            ImportError: peft is not installed.
            ValueError: A pattern names no linear layer or convolution.
        """
        inject, config = self._peft()
        names = self._targets_in(model)
        # The same layer under a second name, as in shared stages of experts.
        known = {name: module for name, module in model.named_modules(remove_duplicate=False)}
        aliases = {
            name: first
            for name, module in known.items()
            for first in names
            if name != first and module is known[first]
        }
        config.target_modules = '|'.join(map(re.escape, names))
        inject(config, model, adapter_name=_ADAPTER)
        for name, first in aliases.items():
            _put(model, name, model.get_submodule(first))
        unfreeze(model, self.trained)

    def reset(self, model: nn.Module) -> None:
        """Set ``A`` at random and ``B`` to zero."""
        for _, layer in _layers(model):
            layer.reset_lora_parameters(_ADAPTER, True)

    def merge(self, model: nn.Module) -> None:
        """Add the updates to the weights, and put the plain layers back.

        Raises:
            ValueError: An update is not finite.
        """
        known = list(model.named_modules(remove_duplicate=False))
        updated = {id(layer) for _, layer in _layers(model)}
        for _, layer in _layers(model):
            layer.merge(safe_merge=True)
        for name, module in known:
            if id(module) in updated:
                _put(model, name, module.get_base_layer())

    def _targets_in(self, model: nn.Module) -> list[str]:
        found: dict[str, None] = {}
        for pattern in self.targets:
            named = [
                name
                for name, module in model.named_modules()
                if re.match(pattern, name) and _takes_update(module)
            ]
            if not named:
                raise ValueError(
                    f'adaptation.targets: the pattern {pattern!r} names no linear layer or '
                    'convolution of the model.'
                )
            found |= dict.fromkeys(named)
        return list(found)

    def _peft(self) -> tuple[Callable, LoraConfig]:
        try:
            from peft import LoraConfig, inject_adapter_in_model

            from .lora_layers import LoRAConv2d, LoRALinear
        except ImportError as error:
            raise ImportError(
                f'LoRA needs the peft library ({error}); install it with '
                '`pip install mmdet-medglip[adapt]`.'
            ) from error
        config = LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, bias='none'
        )
        config._register_custom_module({nn.Linear: LoRALinear, nn.Conv2d: LoRAConv2d})
        return inject_adapter_in_model, config


def _takes_update(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.groups == 1 and set(module.dilation) == {1}
    return isinstance(module, nn.Linear)


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    from peft.tuners.lora import LoraLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLayer):
            yield name, module


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition('.')
    setattr(model.get_submodule(parent), last, module)
