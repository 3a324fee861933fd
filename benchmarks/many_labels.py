"""How much faster a vocabulary of many labels is answered than by MMDetection's chunked GLIP-T.

    python benchmarks/many_labels.py [--phrases 198] [--chunk 40] [--size 512 512] [--json]

Both get equal weights and equal chunks (``test_cfg.chunked_size``; 40 is that of MMDetection's LVIS
configs), so boxes are equal; MMDetection takes one image at a time. ``whole`` is MedGLIP without
``chunked_size``: as many phrases together as its 256 tokens hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from mmengine.structures import InstanceData
from paired import add_arguments, print_figures, take_turns
from rivals import glip_pair, predict, samples
from torch import nn

from mmdet_medglip.testing.glip_pair import apart


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_arguments(parser, phrases=198, repeats=3)
    parser.add_argument('--chunk', type=int, default=40, help='phrases of a chunk')
    return parser.parse_args(argv)


def best(found: InstanceData, count: int) -> InstanceData:
    """The boxes of highest score; MMDetection leaves those of all chunks in the chunks' order."""
    return found[found.scores.argsort(descending=True)[:count]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    size = tuple(args.size)
    pair = glip_pair(args.device)
    torch.manual_seed(0)
    images = torch.randn(args.batch, 3, *size, device=args.device)
    questions = samples(args.batch, size, args.phrases)

    def by_one(model: nn.Module) -> list[InstanceData]:
        pairs = zip(images.split(1), questions, strict=True)
        return [found for image, one in pairs for found in predict(model, image, [one])]

    def ours(chunk: int) -> list[InstanceData]:
        pair.ours.test_cfg.chunked_size = chunk
        return predict(pair.ours, images, questions)

    pair.stock.test_cfg.chunked_size = args.chunk
    rivals = {
        'mmdet': lambda: by_one(pair.stock),
        'ours': lambda: ours(args.chunk),
        'whole': lambda: ours(-1),
    }
    kept = pair.ours.test_cfg.max_per_img
    differences = [
        apart(mine, best(stock, kept))
        for mine, stock in zip(rivals['ours'](), rivals['mmdet'](), strict=True)
    ]
    turns = take_turns(rivals, args.repeats, warmup=0, device=args.device)
    figures = {f'{name}_s': round(turns.median(name), 3) for name in rivals}
    figures |= turns.ratio('mmdet', 'ours')
    figures['whole_ratio'] = turns.ratio('mmdet', 'whole')['ratio']
    figures['score_error'] = max(difference.score for difference in differences)
    figures['box_error_px'] = max(difference.box_px for difference in differences)
    print_figures(figures, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
