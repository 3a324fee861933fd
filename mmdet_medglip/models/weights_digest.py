"""Name weights by what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import torch
from torch import Tensor

__all__ = ['weights_digest']


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
