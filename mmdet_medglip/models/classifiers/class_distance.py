"""How far an image lies from the known ones, in the space of a network's statistics."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ['ClassDistance']

_OWN = 0.5
"""Share of a class's own covariance; the rest is that of all classes."""
_RIDGE = 1e-3
"""Added to the diagonal, so that few images suffice."""


class ClassDistance(nn.Module):
    """Mahalanobis distance to the nearest class.

    Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial
    Attacks, NeurIPS 2018 (section 2.1), with the covariance of each class drawn half-way to that
    of all (Friedman, Regularized Discriminant Analysis, JASA 1989, equation 16). Everything that
    is fitted is a buffer and travels in the checkpoint.

    Args:
        classes: Number K of classes.
        channels: Number D of statistics.
    """

    means: Tensor
    scale: Tensor
    precision: Tensor
    present: Tensor

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.register_buffer('means', torch.zeros(classes, channels))
        self.register_buffer('scale', torch.ones(channels))
        self.register_buffer('precision', torch.eye(channels).repeat(classes, 1, 1))
        self.register_buffer('present', torch.zeros(classes, dtype=torch.uint8))

    @torch.no_grad()
    def fit(self, statistics: Tensor, classes: Tensor) -> None:
        """Fit to known images.

        Args:
            statistics: (N, D).
            classes: (N,) class of each, int64; one that does not occur attracts nothing.
        """
        self.scale.copy_(statistics.std(0).clamp(min=1e-6))
        scaled = (statistics / self.scale).double()
        groups = [scaled[classes == index] for index in range(len(self.means))]
        spreads = [group - group.mean(0, keepdim=True) for group in groups]
        every = _covariance(torch.cat(spreads))
        ridge = _RIDGE * every.diagonal().mean() * torch.eye(len(every), device=every.device)
        for index, (group, spread) in enumerate(zip(groups, spreads, strict=True)):
            self.present[index] = len(group) > 0
            if len(group):
                self.means[index] = group.mean(0)
                mixed = _OWN * _covariance(spread) + (1 - _OWN) * every + ridge
                self.precision[index] = torch.linalg.inv(mixed)

    def forward(self, statistics: Tensor) -> Tensor:
        """Distance (N,) of each row of (N, D) to the nearest class; infinite before a fit."""
        spread = (statistics / self.scale)[:, None] - self.means
        square = torch.einsum('nkd,kde,nke->nk', spread, self.precision, spread).clamp(min=0)
        return square.masked_fill(self.present == 0, torch.inf).amin(1).sqrt()


def _covariance(spread: Tensor) -> Tensor:
    return spread.T @ spread / len(spread)
