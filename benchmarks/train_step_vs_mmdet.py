"""How much faster and smaller a training step is than that of MMDetection's GLIP-T.

    python benchmarks/train_step_vs_mmdet.py [--size 512 512] [--phrases 3] [--batch 2] [--json]

A step is forward, backward and AdamW over all weights, the language model's too, of MMDetection's
GLIP-T, of the same after ``mmdet_medglip.accelerate`` and of MedGLIP, with equal weights. Losses
and gradients of the first step are compared. Peak memory is that of a process of its own: resident
memory on a CPU, allocated memory on a GPU. ``activations_ratio`` leaves out what every step holds,
weights, gradients and the optimizer's state.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import gc
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from paired import add_arguments, print_figures, take_turns, wait_for
from rivals import glip_pair
from synthetic import phrases_of
from torch import Tensor, nn

from mmdet_medglip import accelerate
from mmdet_medglip.models.glip_conversion import convert_glip_state_dict
from mmdet_medglip.testing.glip_pair import grounding_sample

RIVALS = ('mmdet', 'accelerated', 'ours')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_arguments(parser, batch=2, repeats=3)
    parser.add_argument('--boxes', type=int, default=6, help='truth boxes of an image')
    parser.add_argument('--memory-of', choices=RIVALS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def build(names: Sequence[str], device: str) -> dict[str, nn.Module]:
    """Build the rivals that are named, in training mode."""
    pair = glip_pair(device)
    models = {'mmdet': pair.stock, 'ours': pair.ours}
    if 'accelerated' in names:
        models['accelerated'] = copy.deepcopy(pair.stock) if len(names) > 1 else pair.stock
        accelerate(models['accelerated'])
    return {name: models[name].train() for name in names}


def losses_of(args: argparse.Namespace) -> Callable[[str, nn.Module], dict[str, Tensor]]:
    """Make a batch; return what computes a rival's losses on it."""
    torch.manual_seed(0)
    height, width = args.size
    images = torch.randn(args.batch, 3, height, width, device=args.device)
    corner = torch.rand(args.batch, args.boxes, 2) * torch.tensor([width, height]) * 0.6
    extent = (0.1 + 0.3 * torch.rand(args.batch, args.boxes, 2)) * torch.tensor([width, height])
    boxes = torch.cat([corner, corner + extent], dim=-1)
    labels = torch.randint(args.phrases, (args.batch, args.boxes))
    names = phrases_of('ct', args.phrases)

    def run(name: str, model: nn.Module) -> dict[str, Tensor]:
        # MMDetection's pipeline takes a pixel off (GTBoxSubOne_GLIP), ours does not.
        off = boxes.new_tensor((0, 0, 1, 1) if name != 'ours' else (0, 0, 0, 0))
        samples = [
            grounding_sample(names, (height, width), 1.0, (b - off).tolist(), one.tolist()).to(
                args.device
            )
            for b, one in zip(boxes, labels, strict=True)
        ]
        return model.loss(images, samples)

    return run


def gradients(name: str, model: nn.Module) -> dict[str, Tensor]:
    """Gradients under the names of MedGLIP, float64, on the CPU."""
    named = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    renamed = named if name == 'ours' else convert_glip_state_dict(named, ['ct'])
    return {n: g.detach().cpu().double() for n, g in renamed.items()}


def compare(models: dict[str, nn.Module], losses: Callable) -> dict[str, float]:
    """Largest relative difference of a loss, and of all gradients as one vector."""
    loss_error = gradient_error = 0.0
    expected: dict[str, float] = {}
    reference: dict[str, Tensor] = {}
    for name in RIVALS:
        parts = losses(name, models[name])
        sum(parts.values()).backward()
        values = {key: value.item() for key, value in parts.items()}
        found = gradients(name, models[name])
        models[name].zero_grad()
        if name == 'mmdet':
            expected, reference = values, found
            continue
        loss_error = max(loss_error, *(abs(values[k] / v - 1) for k, v in expected.items()))
        total = sum(g.square().sum().item() for g in reference.values())
        apart = sum((found[n] - g).square().sum().item() for n, g in reference.items())
        gradient_error = max(gradient_error, (apart / total) ** 0.5)
    return {'loss_error': loss_error, 'gradient_error': gradient_error}


def stepper(name: str, model: nn.Module, losses: Callable) -> Callable[[], None]:
    """What runs one training step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def step() -> None:
        sum(losses(name, model).values()).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)

    return step


def memory_of(args: argparse.Namespace) -> dict[str, float]:
    """Memory in GiB that a step of one rival holds at its peak, and between steps."""
    model = build([args.memory_of], args.device)[args.memory_of]
    step = stepper(args.memory_of, model, losses_of(args))
    step()
    gc.collect()
    if args.device.startswith('cuda'):
        held = torch.cuda.memory_allocated(args.device)
        torch.cuda.reset_peak_memory_stats(args.device)
        step()
        wait_for(args.device)
        peak = torch.cuda.max_memory_allocated(args.device)
        return {'held': held / 2**30, 'peak': peak / 2**30}
    ctypes.CDLL(None).malloc_trim(0)
    held = _status('VmRSS')
    Path('/proc/self/clear_refs').write_text('5')  # the peak starts anew
    step()
    return {'held': held, 'peak': _status('VmHWM')}


def _status(field: str) -> float:
    """A field of the process's status in GiB (Linux)."""
    found = re.search(rf'^{field}:\s+(\d+) kB', Path('/proc/self/status').read_text(), re.M)
    if found is None:
        raise RuntimeError(f'/proc/self/status has no field {field}.')
    return int(found[1]) / 2**20


def ask_for_memory(name: str, argv: Sequence[str]) -> dict[str, float]:
    """Measure the memory of one rival in a process of its own."""
    command = [sys.executable, __file__, *argv, '--memory-of', name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    argv = sys.argv[1:] if argv is None else list(argv)
    args = parse_args(argv)
    if args.memory_of:
        print(json.dumps(memory_of(args)))
        return 0
    memory = {name: ask_for_memory(name, argv) for name in RIVALS}
    losses = losses_of(args)
    models = build(RIVALS, args.device)
    errors = compare(models, losses)
    steps = {name: stepper(name, model, losses) for name, model in models.items()}
    turns = take_turns(steps, args.repeats, device=args.device)
    figures = {f'{name}_s': round(turns.median(name), 3) for name in RIVALS}
    figures |= turns.ratio('mmdet', 'ours')
    figures['accelerated_ratio'] = turns.ratio('mmdet', 'accelerated')['ratio']
    figures |= {f'{name}_gib': round(of['peak'], 2) for name, of in memory.items()}
    working = {name: of['peak'] - of['held'] for name, of in memory.items()}
    figures['memory_ratio'] = round(memory['ours']['peak'] / memory['mmdet']['peak'], 3)
    figures['activations_ratio'] = round(working['ours'] / working['mmdet'], 3)
    print_figures(figures | errors, args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
