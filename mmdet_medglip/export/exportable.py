"""Which detectors can become a graph, and why others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mmcv.ops
from mmdet.models.backbones import ResNet
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoderForGLIP
from torch import nn

from mmdet_medglip.models import (
    LanguageFusedFPN,
    MedGLIP,
    MedGroundingHead,
    ModalityRouter,
    TextEncoder,
)
from mmdet_medglip.models.layers import DeformConv2d
from mmdet_medglip.text import Prompt, prompt_from_phrases

__all__ = ['exportable_expert', 'exportable_prompt']

_DEFORMABLE = (DeformConv2d, mmcv.ops.DeformConv2d, mmcv.ops.ModulatedDeformConv2d)


def exportable_expert(model: MedGLIP, modality: str) -> str:
    """Name of the expert for a modality, after a check that its graph is one that is tested.

    Args:
        model: The detector.
        modality: A modality that the router serves.

    Returns:
        The key of ``model.backbone.experts``.

    Raises:
        ValueError: A part of another type, a deformable convolution, boxes that leave by presence,
            answers by the hierarchy, or a modality without an expert; the config key is named.
    """
    _check_type('model', model, MedGLIP)
    for name, expected in (
        ('language_model', TextEncoder),
        ('backbone', ModalityRouter),
        ('neck', LanguageFusedFPN),
        ('bbox_head', MedGroundingHead),
        ('data_preprocessor', DetDataPreprocessor),
    ):
        _check_type(f'model.{name}', getattr(model, name), expected)
    _check_type('model.bbox_head.bbox_coder', model.bbox_head.bbox_coder, DeltaXYWHBBoxCoderForGLIP)
    if model.presence is not None and model.presence.mode != 'report':
        raise ValueError(
            f'model.test_cfg.presence.mode={model.presence.mode!r} cannot be exported: a graph '
            'gives boxes as the head finds them; call model.set_presence(None) first.'
        )
    if model.hierarchy is not None:
        raise ValueError(
            'model.test_cfg.hierarchy cannot be exported: a graph gives boxes phrase by phrase; '
            'call model.set_hierarchy(None) first.'
        )
    _check_plain('model.neck.deformable', 'False', model.neck)
    name = model.backbone.expert_of(modality)
    expert, key = model.backbone.experts[name], f'model.backbone.experts.{name}'
    _check_type(key, expert, ResNet)
    _check_plain(f'{key}.dcn', 'None', expert)
    return name


def exportable_prompt(model: MedGLIP, phrases: Sequence[str]) -> Prompt:
    """The prompt of some phrases, which a graph asks at once.

    Args:
        model: The detector.
        phrases: In label order.

    Returns:
        A prompt that the detector would not split.

    Raises:
        ValueError: No phrase, or more than fit one prompt.
    """
    prompt = prompt_from_phrases(phrases)
    parts = model.parts_of(prompt)
    if len(parts) > 1:
        tokens = model.language_model.max_tokens
        most = (model.test_cfg or {}).get('chunked_size', -1)
        raise ValueError(
            f'The {len(prompt)} phrases make {len(parts)} prompts, by the limits '
            f'language_model.max_tokens={tokens} and test_cfg.chunked_size={most}; a '
            f'graph asks one, so export them in files of at most {len(parts[0])} phrases.'
        )
    return prompt


def _check_type(key: str, part: Any, expected: type) -> None:
    if not isinstance(part, expected):
        raise ValueError(
            f'{key} is of type {type(part).__name__}, whose ONNX graph is not tested; expected '
            f'{expected.__name__}, as configs/medglip/ct.py has.'
        )


def _check_plain(key: str, plain: str, part: nn.Module) -> None:
    if any(isinstance(module, _DEFORMABLE) for module in part.modules()):
        raise ValueError(
            f'{key} is on: deformable convolutions sample at learned places, for which ONNX has no '
            f'operator at opset 18; train a model with {key}={plain} to export it.'
        )
