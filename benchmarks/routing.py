"""What routing costs: latency and memory of seven experts against one.

    python benchmarks/routing.py [--config configs/medglip/all.py] [--rounds 15]

Both models see the same single-modality batches in turn, so that load on the machine falls on both;
the ratio is that of the medians.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmdet_medglip.registry import MODELS

PHRASES = ('liver', 'spleen', 'left kidney', 'right kidney', 'aorta')


def build(config: Config, only: list[str] | None) -> nn.Module:
    """Build the detector with all experts, or with those of ``only``."""
    model = config.model.copy()
    model.backbone = dict(model.backbone, only=only)
    return MODELS.build(model).eval()


def megabytes(model: nn.Module) -> float:
    """Memory of the image encoders' weights in MB."""
    return sum(p.numel() * p.element_size() for p in model.backbone.parameters()) / 1e6


def seconds(model: nn.Module, images: torch.Tensor) -> float:
    """Time one prediction of a CT batch."""
    samples = [
        DetDataSample(
            metainfo=dict(
                text=PHRASES, modality='ct', img_shape=images.shape[-2:], scale_factor=(1.0, 1.0)
            )
        )
        for _ in images
    ]
    start = time.perf_counter()
    with torch.inference_mode():
        model.predict(images, samples)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--config', default='configs/medglip/all.py')
    parser.add_argument('--batch', type=int, default=4, help='images of a batch')
    parser.add_argument('--side', type=int, default=256, help='side of an image in pixels')
    parser.add_argument('--rounds', type=int, default=15)
    args = parser.parse_args()
    config = Config.fromfile(args.config)
    init_default_scope(config.default_scope)
    models = {'all experts': build(config, None), 'ct alone': build(config, ['ct'])}
    images = torch.randn(args.batch, 3, args.side, args.side)
    times: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(args.rounds + 2):
        for name, model in models.items():
            spent = seconds(model, images)
            if turn >= 2:
                times[name].append(spent)
    for name, model in models.items():
        print(
            f'{name:12s} {len(model.backbone.experts)} experts  '
            f'{statistics.median(times[name]) * 1e3:7.1f} ms  '
            f'encoder weights {megabytes(model):6.1f} MB'
        )
    every, one = (statistics.median(times[name]) for name in models)
    print(f'latency ratio, all experts to one: {every / one:.3f}')


if __name__ == '__main__':
    main()
