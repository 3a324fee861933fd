"""MMDetection's GLIP-T and ours, of equal random weights, and the same batches for both."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from synthetic import phrases_of
from torch import Tensor, nn

from mmdet_medglip.testing.glip_pair import (
    GlipPair,
    build_glip_pair,
    grounding_sample,
    write_random_bert,
)
from mmdet_medglip.text import count_tokens, load_tokenizer

__all__ = ['glip_pair', 'predict', 'samples']

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def glip_pair(device: str, fused: bool = True) -> GlipPair:
    """Build both with a twelve-layer BERT, in evaluation mode."""
    init_default_scope(Config.fromfile(CONFIGS / 'medglip' / 'ct_glip-t.py').default_scope)
    with tempfile.TemporaryDirectory() as folder:
        pair = build_glip_pair(CONFIGS, write_random_bert(Path(folder)), fused)
    return GlipPair(*(model.to(device).eval() for model in pair))


def samples(
    count: int, size: tuple[int, int], phrases: int, short: bool = False
) -> list[DetDataSample]:
    """Samples of ``count`` images of this size that all ask for the same CT labels.

    With ``short`` they are those of the fewest tokens, so that 80 fit the 256 that MMDetection
    reads; it cuts what is beyond.
    """
    names = phrases_of('ct')
    if short:
        tokenizer = load_tokenizer('bundled')
        names = sorted(names, key=lambda name: count_tokens(tokenizer, name))
    names = names[:phrases]
    return [grounding_sample(names, size) for _ in range(count)]


def predict(model: nn.Module, images: Tensor, questions: list[DetDataSample]) -> list:
    """Boxes of each image."""
    with torch.no_grad():
        found = model.predict(images, [sample.clone() for sample in questions], rescale=False)
    return [sample.pred_instances for sample in found]
