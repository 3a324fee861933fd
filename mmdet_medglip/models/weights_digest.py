"""Name weights by what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import torch
from torch import Tensor, nn

__all__ = ['detector_digest', 'weights_digest']


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of weights: names, types, shapes and values, in any order and on any device.

    Args:
        weights: Name to value, such as a state dict; may be empty.

    Returns:
        64 hexadecimal digits.
    """
    total = sha256()
    for name, value in sorted(weights.items()):
        total.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        total.update(flat.view(torch.uint8).numpy().data)
    return total.hexdigest()


def detector_digest(model: nn.Module) -> str:
    """What tells a trained detector from others: the digest of its ``bbox_head``.

    Any training changes the head, and a joint model has the same one whichever experts are loaded.
    A detector without one, such as a two-stage one, is taken as a whole.
    """
    return weights_digest(getattr(model, 'bbox_head', model).state_dict())
