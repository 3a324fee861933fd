"""Regions as tokens: what is said of them, where they are, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdet_medglip.models.language_models.padding import pad_rows

__all__ = ['RegionTokens', 'box_geometry']

_RATES = 5


def box_geometry(boxes: Tensor, height: int, width: int) -> Tensor:
    """Describe boxes by numbers that do not depend on the size of the image.

    Args:
        boxes: (N, 4) xyxy in pixels of an image of this height and width.
        height: Pixels.
        width: Pixels.

    Returns:
        (N, 89): corners, centre, sides and the root of the area, and sines and cosines of all but
        the last at several rates.
    """
    scale = boxes.new_tensor([width, height, width, height])
    x1, y1, x2, y2 = (boxes / scale).unbind(1)
    w, h = x2 - x1, y2 - y1
    plain = torch.stack(
        [x1, y1, x2, y2, (x1 + x2) / 2, (y1 + y2) / 2, w, h, (w * h).clamp(min=0).sqrt()], 1
    )
    rates = math.pi * 2.0 ** torch.arange(_RATES, device=boxes.device)
    angles = (plain[:, :8, None] * rates).flatten(1)
    return torch.cat([plain, angles.sin(), angles.cos()], 1)


class RegionTokens(nn.Module):
    """Make one token of each region.

    A token is the sum of three parts: its words, its geometry, and its score.

    Args:
        channels: Width of a token.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = box_geometry(torch.zeros(1, 4), 1, 1).shape[1]
        self.geometry = nn.Sequential(
            nn.Linear(width, channels), nn.GELU(), nn.Linear(channels, channels)
        )
        self.score = nn.Linear(2, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(
        self,
        words: Sequence[Tensor],
        boxes: Sequence[Tensor],
        scores: Sequence[Tensor],
        sizes: Sequence[tuple[int, int]],
    ) -> tuple[Tensor, Tensor]:
        """Make the tokens of a batch.

        Args:
            words: For each of B images (N_i, channels), the words of its regions.
            boxes: For each (N_i, 4) xyxy in pixels of the network's input; N_i may be 0.
            scores: For each (N_i,) in (0, 1].
            sizes: Height and width of the network's input for each.

        Returns:
            Tokens (B, N, channels) padded to the largest N_i, at least one place, and bool (B, N),
            True = a region.
        """
        rows = []
        for of_words, of_boxes, of_scores, size in zip(words, boxes, scores, sizes, strict=True):
            place = self.geometry(box_geometry(of_boxes, *size))
            sure = self.score(torch.stack([of_scores, of_scores.clamp(min=1e-3).log()], 1))
            rows.append(self.norm(of_words + place + sure))
        tokens, mask = pad_rows(rows)
        if not tokens.shape[1]:
            tokens = tokens.new_zeros(len(rows), 1, tokens.shape[2])
            mask = mask.new_zeros(len(rows), 1)
        return tokens, mask
