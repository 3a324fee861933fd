"""Compare the inferencer with the bare model: throughput and memory over a folder of images.

    python benchmarks/inferencer.py configs/medglip/ct.py [--weights FILE] [--images 1000]

Writes a folder of PNG images, answers it by ``MedGLIPInferencer.stream`` in so many parts as there
are turns, and before each part runs the model's own test step over as many images that were
prepared beforehand. ``ratio`` is the inferencer's throughput over the model's. ``peak_mb_first``
and ``peak_mb_last`` are the process's largest memory after the first and the last turn.
"""

import argparse
import itertools
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from mmengine.registry import DefaultScope
from paired import print_figures, take_turns
from PIL import Image

from mmdet_medglip.apis import Failure, MedGLIPInferencer
from mmdet_medglip.apis.pipeline import InferencePipeline
from mmdet_medglip.engine.config import load_config
from mmdet_medglip.registry import MODELS

DISTINCT = 50  # images that are drawn; the others are links to them


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('config')
    parser.add_argument('--weights', help='default: random ones')
    parser.add_argument('--modality', default='ct')
    parser.add_argument('--prompt', default='liver, spleen, left kidney, right kidney')
    parser.add_argument('--images', type=int, default=1000)
    parser.add_argument('--side', type=int, default=512, help='of the PNG files in pixels')
    parser.add_argument('--batch', type=int, default=8, help='images of a batch')
    parser.add_argument('--num-workers', type=int, default=2, help='threads that read')
    parser.add_argument('--repeats', type=int, default=5, help='turns')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')
    return parser.parse_args()


def write_images(folder: Path, count: int, side: int) -> None:
    """Write PNG files of smooth noise, which compress about as medical images do."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / f'{number:06d}.png'
        if number < DISTINCT:
            coarse = rng.integers(0, 256, (max(2, side // 8),) * 2, dtype=np.uint8)
            Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(path)
        else:
            path.hardlink_to(folder / f'{number % DISTINCT:06d}.png')


def save_random(config: str, path: Path) -> str:
    """Save random weights of a config's model."""
    with DefaultScope.overwrite_default_scope('mmdet_medglip'):
        torch.save({'state_dict': MODELS.build(load_config(config).model).state_dict()}, path)
    return str(path)


def measure(args: argparse.Namespace, folder: Path, weights: str) -> dict[str, float]:
    """Answer the folder, part by part, and the model's own step beside it."""
    inferencer = MedGLIPInferencer(args.config, weights, show_progress=False)
    inferencer.model.set_prompts(args.prompt)
    pipeline = InferencePipeline(inferencer.steps, inferencer.router)
    packed = [
        pipeline(dict(img_path=str(path), modality=args.modality, img_id=path.name))[0]
        for path in sorted(folder.iterdir())[: 4 * args.batch]
    ]
    stream = inferencer.stream(
        folder, args.prompt, args.batch, modality=args.modality, num_workers=args.num_workers
    )
    part = args.images // (args.repeats + 1)
    peaks = []

    @torch.no_grad()
    def model() -> None:
        images = itertools.islice(itertools.cycle(packed), part)
        while batch := list(itertools.islice(images, args.batch)):
            samples = [one['data_samples'].clone() for one in batch]
            inputs = [one['inputs'] for one in batch]
            inferencer.model.test_step(dict(inputs=inputs, data_samples=samples))

    def answer() -> None:
        found = list(itertools.islice(stream, part))
        if len(found) < part or any(isinstance(one, Failure) for one in found):
            raise ValueError(f'{len(found)} of {part} images were answered, some not at all.')
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)

    turns = take_turns({'model': model, 'inferencer': answer}, args.repeats)
    stream.close()
    return {
        **turns.ratio('model', 'inferencer'),
        'model_per_s': round(part / turns.median('model'), 2),
        'inferencer_per_s': round(part / turns.median('inferencer'), 2),
        'images': part * (args.repeats + 1),
        'peak_mb_first': round(peaks[0]),
        'peak_mb_last': round(peaks[-1]),
    }


def main() -> None:
    """Measure and print."""
    args = parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, 'images')
        folder.mkdir()
        write_images(folder, args.images, args.side)
        weights = args.weights or save_random(args.config, Path(name, 'random.pth'))
        print_figures(measure(args, folder, weights), args.json)


if __name__ == '__main__':
    main()
