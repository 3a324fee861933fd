"""Feature maps as tokens that know where they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ['ImageTokens', 'sine_position']


def sine_position(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Encode the centres of the cells of a map, as in DETR, relative to the map.

    Args:
        height: Rows.
        width: Columns.
        channels: A multiple of 4.
        device: Where to make it.

    Returns:
        (height * width, channels), row by row.
    """
    rates = torch.arange(channels // 4, device=device) / (channels // 4)
    rates = 2 * math.pi * 32.0**rates
    x = (torch.arange(width, device=device) + 0.5) / width
    y = (torch.arange(height, device=device) + 0.5) / height
    parts = []
    for place in (y[:, None].expand(height, width), x[None].expand(height, width)):
        angles = place.reshape(-1, 1) * rates
        parts += [angles.sin(), angles.cos()]
    return torch.cat(parts, 1)


class ImageTokens(nn.Module):
    """Project feature maps to tokens and add their places.

    Args:
        in_channels: Channels of each map.
        channels: Width of a token, a multiple of 4.
    """

    def __init__(self, in_channels: Sequence[int], channels: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(width, channels) for width in in_channels)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in in_channels)
        self.levels = nn.Parameter(torch.zeros(len(in_channels), channels))
        self.channels = channels

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Make tokens.

        Args:
            maps: Each (B, C_i, H_i, W_i), as many as ``in_channels``.

        Returns:
            (B, sum of H_i * W_i, channels).
        """
        tokens = []
        for level, (one, project, norm) in enumerate(
            zip(maps, self.projections, self.norms, strict=True)
        ):
            height, width = one.shape[-2:]
            place = sine_position(height, width, self.channels, one.device)
            flat = norm(project(one.flatten(2).transpose(1, 2)))
            tokens.append(flat + place + self.levels[level])
        return torch.cat(tokens, 1)
