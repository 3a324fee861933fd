"""What tells the weights of one module from those of another."""

from hashlib import sha256

import torch
from torch import nn

__all__ = ['detector_digest', 'weights_digest']


def weights_digest(module: nn.Module) -> str:
    """SHA-256 of a module's state: names, types, shapes and values, on any device.

    Args:
        module: With weights of any type, which stay as they are.

    Returns:
        64 hexadecimal digits.
    """
    total = sha256()
    for name, value in sorted(module.state_dict().items()):
        total.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        total.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def detector_digest(model: nn.Module) -> str:
    """What tells a trained detector from others: the digest of its ``bbox_head``.

    Any training changes the head, and a joint model has the same one whichever experts are loaded.
    A detector without one, such as a two-stage one, is taken as a whole.
    """
    return weights_digest(getattr(model, 'bbox_head', model))
