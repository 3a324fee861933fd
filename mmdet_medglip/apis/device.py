"""The device that a model runs on."""

from __future__ import annotations

import torch

__all__ = ['check_device']


def check_device(device: str | torch.device) -> None:
    """Make sure that tensors can be put on a device, before a model is built.

    Args:
        device: Such as ``'cpu'`` or ``'cuda:0'``.

    Raises:
        ValueError: It is none, or not of this machine.
    """
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        cards = [f'cuda:{number}' for number in range(torch.cuda.device_count())]
        known = ', '.join(['cpu', *cards])
        raise ValueError(
            f'There is no device {str(device)!r} here; choose one of {known}.'
        ) from None
