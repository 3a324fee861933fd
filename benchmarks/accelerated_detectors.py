"""What ``mmdet_medglip.accelerate`` brings to stock MMDetection models besides GLIP.

    python benchmarks/accelerated_detectors.py [--size 512 512] [--training] [--json]

Each model, with random weights, takes turns with its accelerated copy: forward without gradients
up to the raw outputs, or with ``--training`` forward and backward of their sum. Of Grounding DINO
only the encoder runs: the decoder of onedl-mmdetection 3.5.1 does not fit its own inputs.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from mmengine.config import ConfigDict
from paired import add_arguments, print_figures, take_turns
from rivals import samples
from torch import Tensor, nn

from mmdet_medglip import accelerate
from mmdet_medglip.testing.glip_pair import write_random_bert
from mmdet_medglip.testing.stock_detectors import build_stock_detector, encode_grounding_dino

DETECTORS = {
    'ATSS with DyHead': 'dyhead/atss_r50_fpn_dyhead_1x_coco',
    'Faster R-CNN with DCNv2': 'dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco',
    'RepPoints (DCNv1)': 'reppoints/reppoints-moment_r50_fpn_1x_coco',
    'Deformable DETR': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'Grounding DINO, encoder': ('grounding_dino/grounding_dino_swin-t_pretrain_obj365_goldg_cap4m'),
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_arguments(parser)
    parser.add_argument('--training', action='store_true', help='forward and backward')
    return parser.parse_args(argv)


def runner(model: nn.Module, images: Tensor, args: argparse.Namespace) -> Callable[[], None]:
    """What runs a model up to its raw outputs."""
    questions = samples(args.batch, tuple(args.size), args.phrases)

    def outputs() -> Any:
        if not hasattr(model, 'text_feat_map'):
            return model(images, questions, mode='tensor')
        captions = ['. '.join(question.text) + '.' for question in questions]
        return encode_grounding_dino(model, images, questions, captions)

    def run() -> None:
        with torch.set_grad_enabled(args.training):
            found = outputs()
        if args.training:
            sum(x.sum() for x in tensors(found) if x.requires_grad).backward()
            model.zero_grad()

    return run


def tensors(nested: Any) -> list[Tensor]:
    """All tensors of nested lists, tuples and dicts."""
    if isinstance(nested, Tensor):
        return [nested]
    items = nested.values() if isinstance(nested, dict) else nested
    if isinstance(nested, (dict, list, tuple)):
        return [x for item in items for x in tensors(item)]
    return []


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    images = torch.randn(args.batch, 3, *args.size, device=args.device)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        bert = write_random_bert(Path(folder))

        def name_bert(config: ConfigDict) -> None:
            if 'language_model' in config:
                config.language_model.name = bert

        for name, path in DETECTORS.items():
            stock = build_stock_detector(path, name_bert).to(args.device)
            fast = copy.deepcopy(stock)
            accelerate(fast)
            rivals = {'stock': runner(stock, images, args), 'fast': runner(fast, images, args)}
            turns = take_turns(rivals, args.repeats, device=args.device)
            figures[name] = {'stock_s': round(turns.median('stock'), 3)}
            figures[name] |= turns.ratio('stock', 'fast')
    print_figures(figures, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
