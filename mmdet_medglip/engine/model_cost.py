"""What a detector costs: parameters, those that one image uses, and operations for one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.structures import DetDataSample
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmdet_medglip.models.backbones import ModalityRouter

__all__ = ['ModelCost', 'freeze_still', 'idle_parameters', 'image_flops', 'model_cost']

_TEXT = 'language_model'


@dataclass(frozen=True)
class ModelCost:
    """Cost of a detector for an image of one modality.

    Attributes:
        parameters: All of the model.
        trainable: Those that training changes.
        active: Trainable ones that an image of the modality passes through.
        flops: Floating-point operations for one image, see :func:`image_flops`.
    """

    parameters: int
    trainable: int
    active: int
    flops: int


def model_cost(
    model: nn.Module, modality: str, phrases: Sequence[str], size: tuple[int, int]
) -> ModelCost:
    """Count what a detector costs.

    Args:
        model: A detector of MMDetection's interface.
        modality: Of the image.
        phrases: What it is asked for; a closed-set detector does not read them.
        size: Width and height of the network's input in pixels.
    """
    parameters = list(model.parameters())
    trainable = sum(item.numel() for item in parameters if item.requires_grad)
    return ModelCost(
        parameters=sum(item.numel() for item in parameters),
        trainable=trainable,
        active=trainable - idle_parameters(model, modality),
        flops=image_flops(model, modality, phrases, size),
    )


def freeze_still(model: nn.Module, config: Mapping[str, Any]) -> None:
    """Freeze what a config trains at a learning rate of zero, which is to leave it as it is."""
    wrapper = config.get('optim_wrapper') or {}
    keys = wrapper.get('paramwise_cfg', {}).get('custom_keys', {})
    still = [key for key, value in keys.items() if value.get('lr_mult', 1) == 0]
    for name, parameter in model.named_parameters():
        if any(key in name for key in still):
            parameter.requires_grad_(False)


def idle_parameters(model: nn.Module, modality: str) -> int:
    """Trainable parameters of experts that an image of the modality does not pass through.

    Stages that the experts share are not idle. A model without a router has none.
    """
    idle, used = {}, set()
    for router in model.modules():
        if isinstance(router, ModalityRouter):
            serving = router.expert_of(modality)
            for name, expert in router.experts.items():
                found = {id(p): p.numel() for p in expert.parameters() if p.requires_grad}
                if name == serving:
                    used.update(found)
                else:
                    idle.update(found)
    return sum(count for key, count in idle.items() if key not in used)


def image_flops(
    model: nn.Module, modality: str, phrases: Sequence[str], size: tuple[int, int]
) -> int:
    """Operations of convolutions and matrix products to answer one image, as torch counts them.

    A multiplication and its addition are two. The language model is left out: its answer is kept
    from image to image. So are sampling operators such as deformable attention, which torch does
    not count.

    Args:
        model: Changed to evaluation mode.
        modality: Of the image.
        phrases: What it is asked for.
        size: Width and height of the network's input in pixels.
    """
    width, height = size
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    shapes = {f'{name}_shape': (height, width) for name in ('ori', 'img', 'pad', 'batch_input')}
    sample = DetDataSample(
        metainfo=dict(text=tuple(phrases), modality=modality, scale_factor=(1.0, 1.0), **shapes)
    )
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval().test_step(dict(inputs=[image], data_samples=[sample]))
    counts = counter.get_flop_counts()
    text = sum(
        sum(of_one.values()) for name, of_one in counts.items() if name.split('.')[1:] == [_TEXT]
    )
    return counter.get_total_flops() - text
