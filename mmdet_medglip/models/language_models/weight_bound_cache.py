"""A bounded memory of what a module computed, as long as its weights stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import nn

from .recent_cache import K, RecentCache, V

__all__ = ['WeightBoundCache', 'autocast_type']


class WeightBoundCache(RecentCache[K, V]):
    """Keep the values used last, and drop all when the weights they came from are others.

    Some values can be pinned: they are kept beside those used last, whatever their number.

    Weights count as others once they are loaded, moved, replaced or changed in place, and when
    gradients are asked for, since an optimizer may follow. Only writing through
    ``parameter.data`` is not seen: call :meth:`clear` then.

    Args:
        size: Number of values kept; 0 keeps none.

    Raises:
        ValueError: ``size`` is negative.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._state: tuple = ()
        self._pinned: dict[K, V] = {}

    def fetch_of(
        self, module: nn.Module, keys: Sequence[K], compute: Callable[[list[K]], Iterable[V]]
    ) -> dict[K, V]:
        """As :meth:`fetch`, of values that a module computes.

        A module in training mode, or one whose weights are asked for gradients, computes every
        value anew and none is kept.

        Args:
            module: Computes the values from its weights and the keys alone.
            keys: As in :meth:`fetch`.
            compute: As in :meth:`fetch`; runs without gradients unless they are asked for.

        Returns:
            The value of each distinct key.
        """
        trained = torch.is_grad_enabled() and any(p.requires_grad for p in module.parameters())
        if trained or module.training:
            if trained:  # A fused optimizer does not mark what it changed.
                self.clear()
            distinct = list(dict.fromkeys(keys))
            return dict(zip(distinct, compute(distinct), strict=True))
        pinned = self.pinned(module)
        rest = [key for key in keys if key not in pinned]
        found = self.fetch(rest, lambda lost: self._apart(compute, lost))
        return {key: pinned[key] for key in keys if key in pinned} | found

    @staticmethod
    def _apart(compute: Callable[[list[K]], Iterable[V]], lost: list[K]) -> list[V]:
        # Not inference tensors: what a frozen module computed also serves training.
        with torch.inference_mode(False), torch.no_grad():
            return list(compute(lost))

    def pin(self, module: nn.Module, values: Mapping[K, V]) -> None:
        """Keep these values of a module, and no others, until its weights change."""
        self._refresh(module)
        self._pinned = dict(values)

    def pinned(self, module: nn.Module) -> Mapping[K, V]:
        """Pinned values that belong to the weights as they are."""
        self._refresh(module)
        return self._pinned

    def clear(self) -> None:
        """Forget everything, pinned values too."""
        super().clear()
        self._pinned = {}

    def _refresh(self, module: nn.Module) -> None:
        state = tuple(
            (w.data_ptr(), None if w.is_inference() else w._version) for w in module.parameters()
        )
        if state != self._state:
            self.clear()
            self._state = state


def autocast_type(device: torch.device) -> torch.dtype | None:
    """What autocast computes in; None without it."""
    try:
        on, kind = torch.is_autocast_enabled(device.type), torch.get_autocast_dtype(device.type)
    except (TypeError, AttributeError):  # torch < 2.4 asks for CUDA and the CPU by name
        if device.type == 'cpu':
            on, kind = torch.is_autocast_cpu_enabled(), torch.get_autocast_cpu_dtype()
        else:
            on, kind = torch.is_autocast_enabled(), torch.get_autocast_gpu_dtype()
    return kind if on else None
