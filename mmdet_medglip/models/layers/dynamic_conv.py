"""Scale-, space- and task-aware convolution over a pyramid (DyHead)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .deform_conv import DeformConv2d
from .pyramid_deform_conv import pyramid_deform_conv

__all__ = ['DynamicPyramidConv', 'DynamicReLU']

_OFFSETS, _MASKS = 18, 9
"""Channels of a 3x3 kernel's offsets (y and x of nine taps) and of its modulation."""


class DynamicReLU(nn.Module):
    """ReLU whose two slopes and intercepts depend on the image (DyReLU-B).

    Args:
        channels: Channels of input and output.
        reduction: Divisor of the hidden width.

    Source:
        Dynamic ReLU (arXiv 2003.10027), as DyHead and GLIP use it.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = channels // reduction
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, 4 * channels),
            nn.Hardsigmoid(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply to a map (B, C, H, W)."""
        coefficients = self.fc(x.mean((2, 3)))[..., None, None] - 0.5
        slope, intercept, other_slope, other_intercept = coefficients.chunk(4, dim=1)
        return torch.maximum(
            x * (2 * slope + 1) + intercept,
            x * (2 * other_slope) + other_intercept,
        )


class _ConvNorm(nn.Module):
    """3x3 convolution, deformable or plain, and group normalisation."""

    def __init__(self, channels: int, stride: int, deformable: bool, num_groups: int) -> None:
        super().__init__()
        conv = DeformConv2d if deformable else nn.Conv2d
        self.conv = conv(channels, channels, kernel_size=3, stride=stride, padding=1)
        self.norm = nn.GroupNorm(num_groups, channels)
        if not deformable:
            nn.init.normal_(self.conv.weight, std=0.01)
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor, *sampling: Tensor) -> Tensor:
        return self.norm(self.conv(x, *sampling))


class DynamicPyramidConv(nn.Module):
    """Mix each level with its neighbours by image-dependent weights.

    Level ``l`` becomes the mean of up to three convolved maps, each weighted by a scalar read from
    it: itself, the finer level ``l - 1`` (stride 2) and the coarser ``l + 1`` (upsampled)::

        finer  -- 3x3 stride 2 --.
        itself -- 3x3 ------------ weighted mean -- DynamicReLU
        coarser - 3x3, resize ---'

    Args:
        channels: Channels of every level.
        deformable: Sample the convolutions at learned offsets (deformable convolution v2). GLIP
            does; without it a block costs about half on a CPU.
        num_groups: Groups of the normalisation; divides ``channels``.
        upsample: How the coarser map is enlarged: ``'bilinear'`` with aligned corners, as GLIP's
            weights were trained and upstream MMDetection 3.3.0 computes, or ``'nearest'``, as the
            maintained line does (onedl-mmdetection 3.5.1 replaced ``F.upsample_bilinear`` by
            ``F.interpolate``, whose default differs).

    Raises:
        ValueError: Another word for ``upsample``.

    Note:
        With ``deformable`` the offsets of level ``l`` also serve the map of level ``l + 1``, whose
        output is smaller; mmcv's kernel then reads the first values of the offset map. GLIP's
        weights were trained so, hence it is kept. But on a GPU, where mmcv's kernel takes level by
        level, each of the three kernels is applied to all levels at once.

    Source:
        DyHead (arXiv 2106.08322). Parameter shapes follow MMDetection's ``DyConv``
        (mmdet/models/dense_heads/atss_vlfusion_head.py, 3.3.0, Apache-2.0).
    """

    def __init__(
        self,
        channels: int,
        deformable: bool = True,
        num_groups: int = 16,
        upsample: str = 'bilinear',
    ) -> None:
        super().__init__()
        if upsample not in ('bilinear', 'nearest'):
            raise ValueError(f"upsample must be 'bilinear' or 'nearest', got {upsample!r}.")
        self.upsample = upsample
        self.from_finer = _ConvNorm(channels, 2, deformable, num_groups)
        self.from_same = _ConvNorm(channels, 1, deformable, num_groups)
        self.from_coarser = _ConvNorm(channels, 1, deformable, num_groups)
        self.level_weight = nn.Conv2d(channels, 1, kernel_size=1)
        nn.init.normal_(self.level_weight.weight, std=0.01)
        nn.init.zeros_(self.level_weight.bias)
        self.activation = DynamicReLU(channels)
        self.offset = nn.Conv2d(channels, _OFFSETS + _MASKS, 3, padding=1) if deformable else None

    def _sampling(self, feature: Tensor) -> tuple[Tensor, ...]:
        if self.offset is None:
            return ()
        offset, mask = self.offset(feature).split([_OFFSETS, _MASKS], dim=1)
        return offset, mask.sigmoid()

    def _weight(self, feature: Tensor) -> Tensor:
        pooled = feature.mean((2, 3), keepdim=True)
        return functional.hardsigmoid(functional.relu(self.level_weight(pooled)))

    def _enlarge(self, feature: Tensor, size: torch.Size) -> Tensor:
        aligned = True if self.upsample == 'bilinear' else None
        return functional.interpolate(feature, size=size, mode=self.upsample, align_corners=aligned)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Mix the levels.

        Args:
            features: Maps (B, C, H_l, W_l) from fine to coarse, any number of levels, each about
                half the size of the one before.

        Returns:
            As many maps of the same shapes.
        """
        together = self.offset is not None and not features[0].is_cuda
        parts = self._at_once(features) if together else self._one_by_one(features)
        return [self._mix(part) for part in parts]

    def _one_by_one(self, features: Sequence[Tensor]) -> list[list[Tensor]]:
        """The convolved maps of each level, itself first."""
        every = []
        for level, feature in enumerate(features):
            sampling = self._sampling(feature)
            parts = [self.from_same(feature, *sampling)]
            if level > 0:
                parts.append(self.from_finer(features[level - 1], *sampling))
            if level + 1 < len(features):
                coarser = self.from_coarser(features[level + 1], *sampling)
                parts.append(self._enlarge(coarser, feature.shape[-2:]))
            every.append(parts)
        return every

    def _at_once(self, features: Sequence[Tensor]) -> list[list[Tensor]]:
        """As :meth:`_one_by_one`, each of the three kernels over all levels in one product."""
        kernels = (self.from_same, self.from_finer, self.from_coarser)
        sampling = [self._sampling(feature) for feature in features]
        convolved = pyramid_deform_conv(features, sampling, *(kernel.conv for kernel in kernels))
        same, finer, coarser = (
            [kernel.norm(part) for part in parts]
            for kernel, parts in zip(kernels, convolved, strict=True)
        )
        every = [[part] for part in same]
        for parts, part in zip(every[1:], finer, strict=True):
            parts.append(part)
        for parts, part, feature in zip(every, coarser, features, strict=False):
            parts.append(self._enlarge(part, feature.shape[-2:]))
        return every

    def _mix(self, parts: Sequence[Tensor]) -> Tensor:
        total = sum(part * self._weight(part) for part in parts)
        return self.activation(total / len(parts))
