"""Shared by the benchmarks: run rivals by turns, so that the machine's load falls on all alike."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ['Turns', 'add_arguments', 'print_figures', 'take_turns']


@dataclass(frozen=True)
class Turns:
    """Seconds of each rival, turn by turn."""

    seconds: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Median seconds of one rival."""
        return statistics.median(self.seconds[name])

    def ratio(self, slow: str, fast: str) -> dict[str, float]:
        """Median, smallest and largest of the ratios of the turns, under the keys of the JSON."""
        ratios = [a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True)]
        return {
            'ratio': round(statistics.median(ratios), 3),
            'ratio_min': round(min(ratios), 3),
            'ratio_max': round(max(ratios), 3),
        }


def take_turns(
    rivals: Mapping[str, Callable[[], Any]], repeats: int, warmup: int = 1, device: str = 'cpu'
) -> Turns:
    """Run every rival once a turn, and time all turns but the first ``warmup``."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(warmup + repeats):
        for name, run in rivals.items():
            wait_for(device)
            start = time.perf_counter()
            run()
            wait_for(device)
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return Turns(seconds)


def wait_for(device: str) -> None:
    """Wait until a GPU has done what it was given."""
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)


def add_arguments(
    parser: argparse.ArgumentParser,
    size: tuple[int, int] = (512, 512),
    phrases: int = 3,
    batch: int = 1,
    repeats: int = 5,
) -> None:
    """Add the options that benchmarks share."""
    parser.add_argument(
        '--size', type=int, nargs=2, default=size, metavar=('H', 'W'), help='pixels of an image'
    )
    parser.add_argument('--phrases', type=int, default=phrases, help='phrases of a prompt')
    parser.add_argument('--batch', type=int, default=batch, help='images of a batch')
    parser.add_argument('--device', default='cpu', help="'cpu', 'cuda', 'cuda:1'")
    parser.add_argument('--repeats', type=int, default=repeats, help='turns that count')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')


def print_figures(figures: Mapping[str, Any], as_json: bool) -> None:
    """Print one figure a line, and all of them as one last line of JSON if asked to."""
    for name, value in figures.items():
        print(f'{name:22} {value}')
    if as_json:
        print(json.dumps(dict(figures)))
