"""What routing costs: latency of seven experts against one, and memory of one loaded expert.

    python benchmarks/router_overhead.py [--config configs/medglip/all.py] [--json]

Both models see the same single-modality batches by turns. ``memory_ratio`` is that of the weights
of the seven-expert config with one expert loaded (``model.backbone.only``) to those of the config
of that modality alone.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from paired import add_arguments, print_figures, take_turns
from rivals import predict, samples
from synthetic import build_model
from torch import nn


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--config', default='configs/medglip/all.py', help='of several experts')
    parser.add_argument('--one', default='configs/medglip/ct.py', help='of one expert')
    add_arguments(parser, size=(256, 256), phrases=5, batch=4, repeats=15)
    return parser.parse_args(argv)


def megabytes(model: nn.Module) -> float:
    """Memory of all weights in MB."""
    return sum(p.numel() * p.element_size() for p in model.parameters()) / 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    every, one = Config.fromfile(args.config), Config.fromfile(args.one)
    init_default_scope(every.default_scope)
    expert = next(iter(one.model.backbone.experts))
    lazy = copy.deepcopy(every)
    lazy.model.backbone.only = [expert]
    models = {
        name: build_model(config).to(args.device).eval()
        for name, config in (('every', every), ('one', one), ('lazy', lazy))
    }
    size = tuple(args.size)
    images = torch.randn(args.batch, 3, *size, device=args.device)
    questions = samples(args.batch, size, args.phrases)
    for question in questions:
        question.set_metainfo(dict(modality=expert))
    turns = take_turns(
        {
            name: lambda model=models[name]: predict(model, images, questions)
            for name in ('every', 'one')
        },
        args.repeats,
        warmup=2,
        device=args.device,
    )
    figures: dict[str, float] = {
        'experts': len(models['every'].backbone.experts),
        'every_ms': round(turns.median('every') * 1e3, 1),
        'one_ms': round(turns.median('one') * 1e3, 1),
        **turns.ratio('every', 'one'),
        **{f'{name}_mb': round(megabytes(model), 1) for name, model in models.items()},
        'memory_ratio': round(megabytes(models['lazy']) / megabytes(models['one']), 3),
    }
    print_figures(figures, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
