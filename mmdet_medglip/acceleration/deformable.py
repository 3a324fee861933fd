"""Deformable convolution and deformable attention on a CPU as gathers of rows.

On a GPU mmcv's kernels are kept, and so they are for several groups.
"""

from __future__ import annotations

from typing import Any

import torch
from mmcv.ops import (
    DeformConv2d,
    DeformConv2dPack,
    ModulatedDeformConv2d,
    ModulatedDeformConv2dPack,
    MultiScaleDeformableAttention,
)
from torch import Tensor

from mmdet_medglip.models.layers import modulated_deform_conv2d, sampled_attention

__all__ = [
    'FastDeformConv2d',
    'FastDeformConv2dPack',
    'FastModulatedDeformConv2d',
    'FastModulatedDeformConv2dPack',
    'FastMultiScaleDeformableAttention',
]


def _serves(layer: DeformConv2d | ModulatedDeformConv2d, x: Tensor) -> bool:
    """Whether the gather can take the place of a layer's kernel."""
    return x.device.type == 'cpu' and layer.groups == layer.deform_groups == 1


def _convolve(
    layer: DeformConv2d | ModulatedDeformConv2d, x: Tensor, offset: Tensor, mask: Tensor
) -> Tensor:
    out = modulated_deform_conv2d(
        x,
        offset,
        mask,
        layer.weight,
        getattr(layer, 'bias', None),  # version 1 has none
        layer.stride,
        layer.padding,
        layer.dilation,
    )
    return out.contiguous()  # Other kernels of mmcv read memory as if it were.


class FastModulatedDeformConv2d(ModulatedDeformConv2d):
    """As the parent (deformable convolution v2)."""

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """Convolve at offsets; arguments as in the parent."""
        if not _serves(self, x):
            return super().forward(x, offset, mask)
        return _convolve(self, x, offset, mask)


class FastModulatedDeformConv2dPack(ModulatedDeformConv2dPack):
    """As the parent, which reads its offsets from the map itself (``DCNv2``)."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; arguments as in the parent."""
        if not _serves(self, x):
            return super().forward(x)
        first, second, mask = self.conv_offset(x).chunk(3, dim=1)
        return _convolve(self, x, torch.cat((first, second), dim=1), mask.sigmoid())


class FastDeformConv2d(DeformConv2d):
    """As the parent (deformable convolution v1), which has no modulation."""

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        """Convolve at offsets; arguments as in the parent."""
        smaller = any(n < k for n, k in zip(x.shape[2:], self.kernel_size, strict=True))
        if smaller or not _serves(self, x):
            return super().forward(x, offset)
        return _convolve(self, x, offset, torch.ones_like(offset[:, ::2]))


class FastDeformConv2dPack(DeformConv2dPack):
    """As the parent, which reads its offsets from the map itself (``DCN``)."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; arguments as in the parent."""
        if not _serves(self, x):
            return super().forward(x)
        offset = self.conv_offset(x)
        return _convolve(self, x, offset, torch.ones_like(offset[:, ::2]))


class FastMultiScaleDeformableAttention(MultiScaleDeformableAttention):
    """As the parent, all samples of a query in one gather."""

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        identity: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        reference_points: Tensor | None = None,
        spatial_shapes: Tensor | None = None,
        level_start_index: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Attend; arguments as in the parent."""
        if query.device.type != 'cpu':
            return super().forward(
                query,
                key,
                value,
                identity,
                query_pos,
                key_padding_mask,
                reference_points,
                spatial_shapes,
                level_start_index,
                **kwargs,
            )
        value = query if value is None else value
        identity = query if identity is None else identity
        query = query if query_pos is None else query + query_pos
        if not self.batch_first:
            query, value = query.transpose(0, 1), value.transpose(0, 1)
        value = self.value_proj(value)
        if key_padding_mask is not None:
            value = value.masked_fill(key_padding_mask[..., None], 0.0)
        shape = (*query.shape[:2], self.num_heads, self.num_levels, self.num_points)
        weights = self.attention_weights(query).view(*shape[:3], -1).softmax(-1).view(shape)
        offsets = self.sampling_offsets(query).view(*shape, 2)
        out = sampled_attention(
            value.unflatten(-1, (self.num_heads, -1)),
            [(height, width) for height, width in spatial_shapes.tolist()],
            self._locations(offsets, reference_points, spatial_shapes),
            weights,
        )
        out = self.output_proj(out)
        return self.dropout(out if self.batch_first else out.transpose(0, 1)) + identity

    def _locations(self, offsets: Tensor, reference: Tensor, shapes: Tensor) -> Tensor:
        """Places (B, Q, H, L, P, 2) of points (B, Q, L, 2) or boxes (B, Q, L, 4) and offsets."""
        centre = reference[:, :, None, :, None, :2]
        if reference.shape[-1] == 2:
            return centre + offsets / shapes.flip(-1)[:, None]
        if reference.shape[-1] == 4:
            extent = reference[:, :, None, :, None, 2:]
            return centre + offsets / self.num_points * extent * 0.5
        raise ValueError(
            f'reference_points has {reference.shape[-1]} values each; expected 2 (x, y) or 4 '
            '(x, y, width, height).'
        )
