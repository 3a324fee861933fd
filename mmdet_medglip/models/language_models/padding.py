"""Rows of several lengths as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

__all__ = ['pad_rows']


def pad_rows(rows: Sequence[Tensor], value: float = 0) -> tuple[Tensor, Tensor]:
    """Stack rows, each padded behind to the longest.

    Args:
        rows: ``B`` tensors (T_i, ...), at least one.
        value: What pads them.

    Returns:
        (B, T, ...), and bool (B, T), True = a place of the row, False = padding.

    Example:
        >>> padded, mask = pad_rows([torch.tensor([1, 2]), torch.tensor([3])])
        >>> padded.tolist(), mask.int().tolist()
        ([[1, 2], [3, 0]], [[1, 1], [1, 0]])
    """
    padded = pad_sequence(list(rows), batch_first=True, padding_value=value)
    counts = torch.tensor([len(row) for row in rows])
    mask = torch.arange(padded.shape[1]) < counts[:, None]
    return padded, mask.to(padded.device)
