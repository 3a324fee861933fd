"""Give layers of a model their fast classes, and take them away."""

from __future__ import annotations

from collections import Counter

from mmcv.ops import (
    DeformConv2d,
    DeformConv2dPack,
    ModulatedDeformConv2d,
    ModulatedDeformConv2dPack,
    MultiScaleDeformableAttention,
)
from mmdet.models.dense_heads import ATSSVLFusionHead
from mmdet.models.language_models import BertModel
from mmdet.models.utils.vlfuse_helper import BiMultiHeadAttention
from torch import nn

from .deformable import (
    FastDeformConv2d,
    FastDeformConv2dPack,
    FastModulatedDeformConv2d,
    FastModulatedDeformConv2dPack,
    FastMultiScaleDeformableAttention,
)
from .grounding import FastATSSVLFusionHead, FastBertModel, FastBiMultiHeadAttention

__all__ = ['ACCELERATED', 'accelerate', 'restore']

ACCELERATED: dict[type[nn.Module], type[nn.Module]] = {
    ATSSVLFusionHead: FastATSSVLFusionHead,
    BertModel: FastBertModel,
    BiMultiHeadAttention: FastBiMultiHeadAttention,
    DeformConv2d: FastDeformConv2d,
    DeformConv2dPack: FastDeformConv2dPack,
    ModulatedDeformConv2d: FastModulatedDeformConv2d,
    ModulatedDeformConv2dPack: FastModulatedDeformConv2dPack,
    MultiScaleDeformableAttention: FastMultiScaleDeformableAttention,
}
"""Stock class -> the subclass that computes the same faster."""


def accelerate(model: nn.Module) -> dict[str, int]:
    """Make a stock MMDetection model faster, in place and exactly.

    Layers of the classes in :data:`ACCELERATED` take the fast subclass; those of other classes,
    subclasses included, stay as they are. Weights are not touched. GLIP profits most, then
    detectors with a DyHead, deformable convolutions or, like Grounding DINO and Deformable DETR,
    deformable attention.

    Args:
        model: A detector or any part of one, in training or evaluation. A model that is wrapped or
            compiled should be accelerated before.

    Returns:
        Number of layers made faster by the name of their stock class; empty if the model has none,
        or if it was accelerated before.

    Example:
        >>> from mmdet.models.necks import DyHead
        >>> neck = DyHead(in_channels=32, out_channels=32, num_blocks=2)
        >>> accelerate(neck)
        {'ModulatedDeformConv2d': 6}
        >>> restore(neck)
        {'ModulatedDeformConv2d': 6}
    """
    return _replace(model, ACCELERATED)


def restore(model: nn.Module) -> dict[str, int]:
    """Undo :func:`accelerate`.

    Args:
        model: As in :func:`accelerate`.

    Returns:
        Number of layers restored by the name of their stock class.
    """
    return _replace(model, {fast: stock for stock, fast in ACCELERATED.items()})


def _replace(model: nn.Module, classes: dict[type[nn.Module], type[nn.Module]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for module in model.modules():
        new = classes.get(type(module))
        if new is not None:
            counts[min(new, type(module), key=lambda c: len(c.__mro__)).__name__] += 1
            module.__class__ = new
    return dict(sorted(counts.items()))
