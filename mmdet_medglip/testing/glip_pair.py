"""MMDetection's GLIP-T and ours with the same random weights, and how far their boxes differ."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import getsource
from pathlib import Path
from typing import NamedTuple

import torch
from mmdet.models.dense_heads.atss_vlfusion_head import DyConv
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel

from mmdet_medglip.models.glip_conversion import convert_glip_state_dict
from mmdet_medglip.registry import MODELS
from mmdet_medglip.text import resolve_language_model

from .samples import make_sample

__all__ = ['GlipPair', 'apart', 'build_glip_pair', 'grounding_sample', 'write_random_bert']

MMDET_UPSAMPLE = 'bilinear' if 'upsample_bilinear' in getsource(DyConv) else 'nearest'
"""How the installed MMDetection enlarges a coarser level, see ``DynamicPyramidConv``."""


class GlipPair(NamedTuple):
    """Two detectors of equal weights."""

    stock: nn.Module
    ours: nn.Module


def write_random_bert(folder: Path, num_layers: int = 12) -> str:
    """Write a BERT of GLIP's width (768) with random weights and the bundled vocabulary.

    Args:
        folder: Made if it is not there.
        num_layers: Layers; BERT-base has 12.

    Returns:
        The folder, as a name of a language model.
    """
    source = resolve_language_model('bundled')
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        num_hidden_layers=num_layers, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return str(folder)


def build_glip_pair(
    configs: Path, language_model: str, fused: bool = True, num_blocks: int = 6
) -> GlipPair:
    """Build ``configs/baselines/ct_glip-t.py`` and ``configs/medglip/ct_glip-t.py``.

    Dropout is off, and weights are spread, so that scores differ from place to place and the order
    of boxes is decided.

    Args:
        configs: Folder of the configs.
        language_model: Folder of a BERT of width 768.
        fused: With early fusion (kinds B, C, T, L of GLIP), or without (kind A).
        num_blocks: Blocks of the dynamic head.

    Returns:
        Both models, in training mode; every score counts (``score_thr=0``).
    """
    register_all_modules(init_default_scope=False)
    stock = Config.fromfile(configs / 'baselines' / 'ct_glip-t.py').model
    stock.backbone.drop_path_rate = 0.0
    stock.bbox_head.update(
        lang_model_name=language_model, early_fuse=fused, num_dyhead_blocks=num_blocks
    )
    ours = Config.fromfile(configs / 'medglip' / 'ct_glip-t.py').model
    ours.backbone.experts.ct.drop_path_rate = 0.0
    ours.neck.update(num_blocks=num_blocks, upsample=MMDET_UPSAMPLE)
    ours.neck.text_layer.update(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    if not fused:
        ours.neck.fusion = None
    for config in (stock, ours):
        config.language_model.name = language_model
        config.test_cfg.score_thr = 0.0
    torch.manual_seed(2)
    reference = MMDET_MODELS.build(stock)
    with torch.no_grad():
        head = reference.bbox_head.head
        head.bias0.fill_(-2.0)
        head.bias_lang.normal_(std=0.5)
        for block in head.dyhead_tower:
            if getattr(block, 'offset', None) is not None:
                block.offset.weight.normal_(std=0.02)
    model = MODELS.build(ours)
    model.load_state_dict(convert_glip_state_dict(reference.state_dict(), ['ct']))
    for module in [*reference.modules(), *model.modules()]:
        if isinstance(getattr(module, 'dropout', None), float):
            module.dropout = 0.0
    return GlipPair(reference, model)


def grounding_sample(
    phrases: Sequence[str],
    size: tuple[int, int],
    scale: float = 1.0,
    boxes: Sequence[Sequence[float]] = (),
    labels: Sequence[int] = (),
) -> DetDataSample:
    """A CT sample that both models read.

    Args:
        phrases: The prompt.
        size: Height and width of the network's input in pixels.
        scale: Network pixels for each pixel of the original image.
        boxes: Half open, in network pixels; may be none.
        labels: Index of the phrase of each box.
    """
    return make_sample(
        tuple(phrases),
        'ct',
        boxes,
        labels,
        size,
        custom_entities=True,
        batch_input_shape=size,
        ori_shape=(round(size[0] / scale), round(size[1] / scale)),
        scale_factor=(scale, scale),
    )


class Difference(NamedTuple):
    """Largest difference between boxes and their twins, and the share of boxes compared."""

    score: float
    box_px: float
    compared: float


def apart(
    some: InstanceData, others: InstanceData, tie: float = 1e-4, reach: float = 1.0
) -> Difference:
    """How far each box of one result is from its twin in the other, both ways.

    A twin is the box of the same label that is nearest in box and score. Order is left out, since
    equal scores may swap, and so are boxes whose score is within ``tie`` of the last kept one,
    since the cut at ``max_per_img`` may fall between twins.

    Args:
        some: ``bboxes`` (n, 4) in pixels, ``scores`` and ``labels``.
        others: Likewise.
        tie: Scores closer than this are not told apart at the cut.
        reach: Pixels that weigh as much as a difference of 1 in score when twins are sought.

    Returns:
        Largest differences; infinite if one side has a label that the other lacks.
    """
    score = box = 0.0
    compared, total = 0, 0
    for these, those in ((some, others), (others, some)):
        last = these.scores.min() if len(these) else 0.0
        decided = these[these.scores > last + tie]
        compared, total = compared + len(decided), total + len(these)
        if not len(decided):
            continue
        far = (decided.bboxes[:, None] - those.bboxes[None]).abs().amax(-1)
        off = (decided.scores[:, None] - those.scores[None]).abs()
        alike = decided.labels[:, None] == those.labels[None]
        cost = (far / reach + off).masked_fill(~alike, torch.inf)
        if not len(those) or cost.amin(1).isinf().any():
            return Difference(torch.inf, torch.inf, 0.0)
        twin = cost.argmin(1, keepdim=True)
        score = max(score, off.gather(1, twin).max().item())
        box = max(box, far.gather(1, twin).max().item())
    return Difference(score, box, compared / max(total, 1))
