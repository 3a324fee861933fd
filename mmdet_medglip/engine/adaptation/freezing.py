"""Which weights train, and which modules hold still."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from torch import nn

__all__ = ['frozen_modules', 'frozen_names', 'train_only', 'unfreeze']


def train_only(model: nn.Module, patterns: Sequence[str]) -> None:
    """Train the parameters that a pattern names, and no others; see :func:`unfreeze`."""
    model.requires_grad_(False)
    unfreeze(model, patterns)


def unfreeze(model: nn.Module, patterns: Sequence[str]) -> None:
    r"""Let parameters train, beside those that do.

    Args:
        model: Any module.
        patterns: Regular expressions, matched at the start of a parameter's name: ``'bbox_head'``
            names the whole head, ``r'bbox_head\.bbox_pred'`` its box layer.

    Raises:
        ValueError: A pattern matches no parameter.
    """
    for pattern in patterns:
        found = [p for name, p in model.named_parameters() if re.match(pattern, name)]
        if not found:
            parts = ', '.join(name for name, _ in model.named_children())
            raise ValueError(
                f'adaptation: the pattern {pattern!r} matches no parameter; names start with one '
                f'of {parts}.'
            )
        for parameter in found:
            parameter.requires_grad_(True)


def frozen_modules(model: nn.Module) -> list[nn.Module]:
    """The largest modules that have parameters and none of them trains.

    In evaluation mode such a module gives the same values in every step: its dropout is off and its
    running statistics stay.
    """
    return list(_frozen_below(model))


def _frozen_below(module: nn.Module) -> Iterator[nn.Module]:
    parameters = list(module.parameters())
    if parameters and not any(p.requires_grad for p in parameters):
        yield module
    elif parameters:
        for child in module.children():
            yield from _frozen_below(child)


def frozen_names(model: nn.Module) -> set[str]:
    """Entries of the state dict that training leaves as they are.

    They are the parameters that do not train, by their names in the state dict, and the buffers of
    :func:`frozen_modules`.
    """
    still = {id(p) for p in model.parameters() if not p.requires_grad}
    for module in frozen_modules(model):
        still.update(id(buffer) for buffer in module.buffers())
    entries = model.state_dict(keep_vars=True)
    return {name for name, value in entries.items() if id(value) in still}
