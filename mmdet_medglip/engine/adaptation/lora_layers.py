"""The layers of peft's LoRA under the names of the base, with a weight that can be read."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from peft.tuners.lora import Conv2d, Linear
from torch import Tensor, nn

__all__ = ['LoRAConv2d', 'LoRALinear']

_BASE = 'base_layer.'


class _LikeTheBase:
    """Mix-in for a layer of peft.

    - ``weight`` is the sum of base and update: MedGLIP's attention and others read the weights of
      their layers rather than call them, and would pass the update by.
    - In a state dict the base's tensors have the names they have without LoRA, so checkpoints of
      the base load, and what is saved differs from it by the ``lora_A`` and ``lora_B`` alone.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._register_state_dict_hook(_without_base)

    @property
    def weight(self) -> Tensor:
        """Weight of the base with the update, of the base's shape."""
        weight = self.get_base_layer().weight
        if self.merged or self.disable_adapters:
            return weight
        for name in self.active_adapters:
            weight = weight + self.get_delta_weight(name).to(weight.dtype)
        return weight

    def _load_from_state_dict(
        self, state_dict: MutableMapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        for name, _ in _own_tensors(self.get_base_layer()):
            if prefix + name in state_dict:
                state_dict[prefix + _BASE + name] = state_dict.pop(prefix + name)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class LoRALinear(_LikeTheBase, Linear):
    """peft's LoRA of ``nn.Linear``, see :class:`_LikeTheBase`."""


class LoRAConv2d(_LikeTheBase, Conv2d):
    """peft's LoRA of ``nn.Conv2d``, see :class:`_LikeTheBase`.

    One convolution with the summed weight rather than the sum of three: it is cheaper, and a sum of
    maps of one pixel loses their channels-last layout, after which group normalisation rounds
    otherwise. A layer with dropout, or with a forward pass of its own, is left to peft.
    """

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Convolve (B, C, H, W) as the base does."""
        base = self.get_base_layer()
        own = type(base).forward is not nn.Conv2d.forward or args or kwargs
        if own or any(isinstance(d, nn.Dropout) for d in self.lora_dropout.values()):
            return super().forward(x, *args, **kwargs)
        return base._conv_forward(x, self.weight, base.bias)


def _without_base(
    module: nn.Module, state_dict: MutableMapping[str, Any], prefix: str, _: Any
) -> None:
    for name, _ in _own_tensors(module.get_base_layer()):
        if prefix + _BASE + name in state_dict:
            state_dict[prefix + name] = state_dict.pop(prefix + _BASE + name)


def _own_tensors(layer: nn.Module) -> list[tuple[str, Tensor]]:
    return [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]
