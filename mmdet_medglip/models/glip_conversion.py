"""Weights of MMDetection's GLIP under the names of MedGLIP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

__all__ = ['convert_glip_state_dict']

_FUSION = {
    'layer_norm_v': 'norm_visual',
    'layer_norm_l': 'norm_text',
    'attn.v_proj': 'query',
    'attn.l_proj': 'key',
    'attn.values_v_proj': 'value_visual',
    'attn.values_l_proj': 'value_text',
    'attn.out_v_proj': 'out_visual',
    'attn.out_l_proj': 'out_text',
    'gamma_v': 'gamma_visual',
    'gamma_l': 'gamma_text',
}
_VISION = {
    'dyconvs.0.conv': 'from_coarser.conv',
    'dyconvs.0.bn': 'from_coarser.norm',
    'dyconvs.1.conv': 'from_same.conv',
    'dyconvs.1.bn': 'from_same.norm',
    'dyconvs.2.conv': 'from_finer.conv',
    'dyconvs.2.bn': 'from_finer.norm',
    'attnconv.1': 'level_weight',
    'offset': 'offset',
    'relu.fc': 'activation.fc',
}
_HEAD = {
    'bbox_pred': 'bbox_pred',
    'centerness': 'centerness',
    'dot_product_projection_text': 'text_projection',
    'log_scale': 'log_scale',
    'bias_lang': 'text_bias',
    'bias0': 'prior_bias',
    'scales': 'scales',
}
_TOWER = re.compile(r'bbox_head\.head\.dyhead_tower\.(\d+)\.(.+)')
_TEXT = 'language_model.language_backbone.body.model.'


def convert_glip_state_dict(
    state_dict: Mapping[str, Tensor], experts: Sequence[str]
) -> dict[str, Tensor]:
    """Rename the weights of MMDetection's ``GLIP`` to those of :class:`MedGLIP`.

    The fusion tower moves from the head to the neck, and the image backbone is given to every
    expert. Tensors are shared, not copied.

    Args:
        state_dict: Weights of mmdet's ``GLIP``, with early fusion (kinds B, C, T, L) or
            without (kind A).
        experts: Names of the router's experts, at least one.

    Returns:
        Weights of MedGLIP.

    Raises:
        ValueError: No expert, or keys that are no GLIP's; some are named.
    """
    if not experts:
        raise ValueError('convert_glip_state_dict: experts is empty; name at least one.')
    step = 3 if any('.b_attn.' in key for key in state_dict) else 1
    converted: dict[str, Tensor] = {}
    unknown = []
    for key, value in state_dict.items():
        if key.startswith('backbone.'):
            rest = key.removeprefix('backbone.')
            converted.update((f'backbone.experts.{name}.{rest}', value) for name in experts)
            continue
        new = _rename(key, step)
        if new is None:
            unknown.append(key)
        elif new:
            converted[new] = value
    if unknown or not any(key.startswith('bbox_head.head.') for key in state_dict):
        raise ValueError(
            f"Not a checkpoint of MMDetection's GLIP: {len(unknown)} of {len(state_dict)} keys "
            f'are unknown, such as {", ".join(unknown[:3]) or "none at all"}. Expected keys like '
            'bbox_head.head.dyhead_tower.0.b_attn.gamma_v.'
        )
    return converted


def _rename(key: str, step: int) -> str | None:
    """New key; '' for one to leave out, None for one that is not known."""
    if key.startswith('neck.'):
        return 'neck.fpn.' + key.removeprefix('neck.')
    if key.startswith(_TEXT):
        rest = key.removeprefix(_TEXT)
        return '' if rest.endswith('position_ids') else 'language_model.model.' + rest
    tower = _TOWER.fullmatch(key)
    if tower:
        index, rest = int(tower[1]), tower[2]
        block = f'neck.blocks.{index // step}.'
        if rest.startswith('b_attn.'):
            return _by_table(rest.removeprefix('b_attn.'), _FUSION, block + 'fusion.')
        if step == 3 and index % 3 == 1:
            return f'{block}text_layer.{rest}'
        return _by_table(rest, _VISION, block + 'vision.')
    if key.startswith('bbox_head.head.'):
        return _by_table(key.removeprefix('bbox_head.head.'), _HEAD, 'bbox_head.')
    return None


def _by_table(key: str, table: Mapping[str, str], prefix: str) -> str | None:
    for old, new in table.items():
        if key == old or key.startswith(old + '.'):
            return prefix + new + key.removeprefix(old)
    return None
