"""Where the time of an inference step and of a training step goes, and how near the floor it is.

    python benchmarks/profile_step.py [--config configs/medglip/ct.py] [--repeats 7] [--json]
    python benchmarks/profile_step.py --config configs/medglip/ct_glip-t.py --size 512 512 --batch 1

Runs the config on synthetic batches at its own batch and image size, with random weights. The floor
is what no rearrangement avoids: the backbone as measured, and every other matrix product and
convolution of the step at this machine's best rate for a large product, measured beside each step.
Then the data loader's transforms on one core, and the metrics, are compared with the steps.
With --json the last line is JSON.
"""

import argparse
import json
import logging
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from host_parts import evaluation_ms, loading_ms
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from paired import wait_for
from step_parts import Gradients, Recorder, watch_model
from synthetic import BatchShape, batch, build_model, shape_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

BACKBONE = ('backbone', 'backward: backbone')
NOTABLE = 0.05
"""Share of a step from which a part is marked."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--config', default='configs/medglip/ct.py')
    parser.add_argument('--size', type=int, nargs=2, metavar=('H', 'W'), help='in pixels')
    parser.add_argument('--batch', type=int, help="images of a batch; by default the config's")
    parser.add_argument('--phrases', type=int, default=12, help='labels to ask for')
    parser.add_argument('--boxes', type=int, default=6, help='truth boxes of an image')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--data-root', type=Path, help='a store; by default phantoms are made')
    parser.add_argument('--repeats', type=int, default=7, help='measured steps of each kind')
    parser.add_argument(
        '--own-time',
        action='store_true',
        help="one thread, and its own CPU time instead of the wall's: for a machine others use",
    )
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')
    return parser.parse_args(argv)


def read_shape(args: argparse.Namespace, config: Config) -> BatchShape:
    """The config's shape with what the command line changes."""
    shape = shape_of(config, args.phrases, args.boxes)
    height, width = args.size or (shape.height, shape.width)
    images = args.batch or shape.images
    return BatchShape(images, height, width, shape.phrases, shape.boxes, shape.modality)


class Steps:
    """A watched model with its optimizer; each call of a method is one step.

    Args:
        config: Its model and optimizer are used.
        shape: Of the batches.
        device: Where the model runs.
        recorder: Is charged with the parts.
    """

    def __init__(self, config: Config, shape: BatchShape, device: str, recorder: Recorder) -> None:
        self.model: nn.Module = build_model(config).to(device)
        self.optimizer = build_optim_wrapper(self.model, config.optim_wrapper)
        self.shape = shape
        self.recorder = recorder
        self.gradients = Gradients()
        self.turn = 0
        watch_model(self.model, recorder, self.gradients)

    def infer(self) -> list:
        """Predict a batch whose prompt was seen before."""
        if self.model.training:  # Asked again, a language model that is trained forgets prompts.
            self.model.eval()
        self.turn += 1
        data = batch(self.shape, self.turn, training=False)
        with torch.no_grad(), self.recorder.part('detector: rest'):
            return self.model.test_step(data)

    def infer_new_prompt(self) -> None:
        """Predict a batch whose prompt is encoded afresh."""
        self.model.language_model.clear_cache()
        self.infer()

    def train(self) -> None:
        """Train on a batch."""
        self.model.train()
        self.turn += 1
        data = batch(self.shape, self.turn, training=True)
        with self.recorder.part('detector: rest'):
            losses = self.model(**self.model.data_preprocessor(data, True), mode='loss')
        with self.recorder.part('losses'):
            total, _ = self.model.parse_losses(losses)
        self.gradients.run(total, self.recorder)
        with self.recorder.part('optimizer'):
            self.optimizer.step()
            self.optimizer.zero_grad()


def clock_of(device: str, own_time: bool) -> Callable[[], float]:
    """Seconds, when a GPU has done what it was given; of this thread alone if asked for."""
    if own_time:
        torch.set_num_threads(1)
        return time.thread_time

    def clock() -> float:
        wait_for(device)
        return time.perf_counter()

    return clock


def peak_rate(device: str, clock: Callable[[], float]) -> float:
    """Operations a second of a large float32 product, the best of a few."""
    side = 8192 if device.startswith('cuda') else 1536
    left, right = torch.rand(2, side, side, device=device)
    seconds = []
    for _ in range(4):
        start = clock()
        torch.mm(left, right)
        seconds.append(clock() - start)
    return 2 * side**3 / min(seconds)


def count_operations(step: Callable[[], object], recorder: Recorder) -> Counter[str]:
    """Operations of matrix products and convolutions of each part."""
    clock, recorder.spent = recorder.clock, Counter()
    with FlopCounterMode(display=False) as counter:
        recorder.clock = counter.get_total_flops
        step()
    recorder.clock = clock
    return recorder.spent


def measure(step: Callable[[], object], recorder: Recorder, device: str, repeats: int) -> dict:
    """Median times of a step's parts, and the step over its floor.

    Returns:
        ``ms`` and ``gflop`` of each part, ``total_ms``, ``floor_ms`` and ``times_floor`` with its
        least and greatest value.
    """
    step()
    operations = count_operations(step, recorder)
    outside = sum(count for name, count in operations.items() if name not in BACKBONE)
    runs, floors, rates = [], [], []
    for _ in range(repeats):
        rates.append(peak_rate(device, recorder.clock))
        recorder.spent = Counter()
        step()
        runs.append(recorder.spent)
        floors.append(sum(runs[-1][name] for name in BACKBONE) + outside / rates[-1])
    names = sorted(runs[0], key=lambda name: -statistics.median(run[name] for run in runs))
    totals = [sum(run.values()) for run in runs]
    ratios = [total / floor for total, floor in zip(totals, floors, strict=True)]
    return {
        'ms': {n: round(statistics.median(run[n] for run in runs) * 1e3, 2) for n in names},
        'gflop': {name: round(operations[name] / 1e9, 2) for name in names},
        'total_ms': round(statistics.median(totals) * 1e3, 1),
        'floor_ms': round(statistics.median(floors) * 1e3, 1),
        'peak_gflop_per_s': round(statistics.median(rates) / 1e9, 1),
        'times_floor': round(statistics.median(ratios), 2),
        'times_floor_range': [round(min(ratios), 2), round(max(ratios), 2)],
    }


def show(title: str, shape: BatchShape, figures: dict) -> None:
    """Print one step as a table."""
    print(
        f'\n{title}, batch of {shape.images} at {shape.height} x {shape.width}, '
        f'{shape.phrases} phrases'
    )
    print(f'  {"part":30} {"ms":>9} {"share":>7} {"GFLOP":>8} {"at peak, ms":>12}')
    total = sum(figures['ms'].values())
    for name, ms in figures['ms'].items():
        gflop = figures['gflop'][name]
        best = gflop / figures['peak_gflop_per_s'] * 1e3
        mark = '*' if ms >= NOTABLE * total else ''
        print(f'  {name:30} {ms:9.2f} {ms / total:6.1%}{mark:1} {gflop:8.2f} {best:12.2f}')
    low, high = figures['times_floor_range']
    print(
        f'  {figures["total_ms"]} ms; floor {figures["floor_ms"]} ms (backbone as measured, the '
        f'rest at {figures["peak_gflop_per_s"]} GFLOP/s); {figures["times_floor"]} times the floor '
        f'({low} to {high})'
    )


def show_sample(title: str, ms: dict[str, float], step: dict, shape: BatchShape) -> None:
    """Print what an image costs beside the model, and its share of the step's time an image."""
    whole = step['total_ms'] / shape.images
    print(f'\n{title}, an image on one core')
    for name, spent in ms.items():
        print(f'  {name:30} {spent:9.3f} {spent / whole:6.1%}')
    total = sum(ms.values())
    print(
        f'  {total:.2f} ms, {1e3 / total:.0f} images/s; the step takes {whole:.2f} ms an image, '
        f'{1e3 / whole:.3g} images/s'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    logging.disable(logging.INFO)  # MMEngine's lists of parameters, tables of random predictions.
    config = Config.fromfile(args.config)
    init_default_scope(config.default_scope)
    shape = read_shape(args, config)
    recorder = Recorder(clock_of(args.device, args.own_time))
    steps = Steps(config, shape, args.device, recorder)
    figures: dict = {
        'config': args.config,
        'device': args.device,
        'threads': torch.get_num_threads(),
    }
    for name, step in (
        ('inference', steps.infer),
        ('inference, new prompt', steps.infer_new_prompt),
        ('training', steps.train),
    ):
        figures[name] = measure(step, recorder, args.device, args.repeats)
        show(name, shape, figures[name])
    figures['evaluation'] = evaluation_ms(config, [steps.infer() for _ in range(args.repeats)])
    show_sample('evaluation', figures['evaluation'], figures['inference'], shape)
    figures['loading'] = loading_ms(config, args.data_root)
    show_sample('data loading', figures['loading'], figures['training'], shape)
    if args.json:
        print(json.dumps(figures))
    return 0


if __name__ == '__main__':
    sys.exit(main())
