"""Parameters of a model, and those that an image of a modality needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmdet_medglip.registry import MODELS

__all__ = ['Parameters', 'count_active', 'parameters_of']


class Parameters(msgspec.Struct, frozen=True):
    """Numbers of parameters, frozen ones included.

    Attributes:
        total: All of them; one that two modules share counts once.
        active: Those that an image of each modality needs.
    """

    total: int
    active: dict[str, int]


def parameters_of(config: Config, modalities: Sequence[str]) -> Parameters:
    """Build the model of a config, and count.

    Args:
        config: A config with ``model``.
        modalities: Modality ids.
    """
    init_default_scope(config.get('default_scope', 'mmdet_medglip'))
    return count_active(MODELS.build(config.model), modalities)


def count_active(model: nn.Module, modalities: Sequence[str]) -> Parameters:
    """Count the parameters of a model, and those that an image of each modality needs.

    Args:
        model: Any module. In a part of it with ``experts`` (name to module) and ``expert_of``
            (modality to name), as the modality router has, an image needs one expert.
        modalities: Modality ids.

    Example:
        >>> count_active(nn.Linear(2, 3), ['ct'])
        Parameters(total=9, active={'ct': 9})
    """
    everything = _numbers(model.parameters())
    routers = [
        part
        for part in model.modules()
        if isinstance(getattr(part, 'experts', None), nn.ModuleDict) and hasattr(part, 'expert_of')
    ]
    active = {}
    for modality in modalities:
        idle: set[int] = set()
        for router in routers:
            needed = _numbers(router.experts[router.expert_of(modality)].parameters())
            idle |= set(_numbers(router.experts.parameters())) - set(needed)
        active[modality] = sum(n for key, n in everything.items() if key not in idle)
    return Parameters(sum(everything.values()), active)


def _numbers(parameters: Iterable[nn.Parameter]) -> dict[int, int]:
    return {id(parameter): parameter.numel() for parameter in parameters}
