"""How much faster MedGLIP is than MMDetection's GLIP-T, of equal weights and with equal boxes.

    python benchmarks/inference_vs_mmdet.py [--size 512 512] [--phrases 3] [--batch 1] [--json]

Three rivals take turns on the same batch: MMDetection's GLIP-T, the same after
``mmdet_medglip.accelerate``, and MedGLIP of converted weights. Prompts repeat, as in a test run, so
ours read them from the cache; ``--new-prompts`` empties it before each run. Weights are random.
On a GPU the peak memory of each is measured, too, and ``--dtype bfloat16`` runs all under autocast.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from paired import add_arguments, print_figures, take_turns, wait_for
from rivals import glip_pair, predict, samples

from mmdet_medglip import accelerate
from mmdet_medglip.testing.glip_pair import apart


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_arguments(parser)
    parser.add_argument('--dtype', choices=('float32', 'bfloat16', 'float16'), default='float32')
    parser.add_argument('--new-prompts', action='store_true', help='encode the prompt every time')
    return parser.parse_args(argv)


def peak_gib(run: Callable[[], object], device: str) -> float:
    """Largest memory that one run takes on a GPU, with weights."""
    torch.cuda.reset_peak_memory_stats(device)
    run()
    wait_for(device)
    return torch.cuda.max_memory_allocated(device) / 2**30


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    size = tuple(args.size)
    pair = glip_pair(args.device)
    models = {'mmdet': pair.stock, 'accelerated': copy.deepcopy(pair.stock), 'ours': pair.ours}
    accelerate(models['accelerated'])
    torch.manual_seed(0)
    images = torch.randn(args.batch, 3, *size, device=args.device)
    questions = samples(args.batch, size, args.phrases, short=True)
    half = torch.autocast(args.device, getattr(torch, args.dtype), args.dtype != 'float32')

    def runner(name: str) -> Callable[[], list]:
        def run() -> list:
            if args.new_prompts:
                models['ours'].language_model.clear_cache()
                vars(models['accelerated'].language_model).pop('_features', None)
            with half:
                return predict(models[name], images, questions)

        return run

    rivals = {name: runner(name) for name in models}
    differences = [
        apart(mine, stock)
        for name in ('accelerated', 'ours')
        for mine, stock in zip(rivals[name](), rivals['mmdet'](), strict=True)
    ]
    turns = take_turns(rivals, args.repeats, device=args.device)
    figures = {f'{name}_s': round(turns.median(name), 4) for name in rivals}
    figures |= turns.ratio('mmdet', 'ours')
    figures['accelerated_ratio'] = turns.ratio('mmdet', 'accelerated')['ratio']
    figures['score_error'] = max(difference.score for difference in differences)
    figures['box_error_px'] = max(difference.box_px for difference in differences)
    if args.device.startswith('cuda'):
        peaks = {name: peak_gib(run, args.device) for name, run in rivals.items()}
        figures |= {f'{name}_gib': round(peak, 3) for name, peak in peaks.items()}
        figures['memory_ratio'] = round(peaks['ours'] / peaks['mmdet'], 3)
    print_figures(figures, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
