"""MMDetection's own detectors with random weights, to be compared with their fast forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

__all__ = ['build_stock_detector', 'encode_grounding_dino']


def build_stock_detector(
    name: str, change: Callable[[ConfigDict], object] = lambda config: None
) -> nn.Module:
    """Build a detector of MMDetection's configs; its offsets differ from place to place.

    Args:
        name: Config below MMDetection's folder of configs, ``'dyhead/atss_r50_fpn_...'``.
        change: Changes the model's config before it is built.

    Returns:
        The detector, in evaluation mode.
    """
    register_all_modules(init_default_scope=False)
    config = get_config(f'mmdet::{name}.py').model
    config.backbone.init_cfg = None
    change(config)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(config).eval()
    for key, parameter in model.named_parameters():
        if 'offset' in key and parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02)
    return model


def encode_grounding_dino(
    model: nn.Module, images: Tensor, samples: list[DetDataSample], captions: Sequence[str]
) -> dict[str, Tensor]:
    """Run Grounding DINO up to its encoder, which fuses image and text.

    The decoder of onedl-mmdetection 3.5.1 does not fit its own inputs, so it is left out.

    Args:
        model: MMDetection's ``GroundingDINO``.
        images: (B, 3, H, W), normalised.
        samples: With ``batch_input_shape`` and ``img_shape``.
        captions: ``B`` texts.

    Returns:
        As ``GroundingDINO.forward_encoder``: ``memory``, ``memory_text`` and their masks.
    """
    text = model.language_model(list(captions))
    text['embedded'] = model.text_feat_map(text['embedded'])
    inputs, _ = model.pre_transformer(model.extract_feat(images), samples)
    return model.forward_encoder(**inputs, text_dict=text)
