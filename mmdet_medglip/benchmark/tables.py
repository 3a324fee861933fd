"""Tables of a benchmark report."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from mmdet_medglip.evaluation.functional.bootstrap import Interval
from mmdet_medglip.evaluation.functional.error_types import BOX_KINDS
from mmdet_medglip.evaluation.functional.froc import FALSE_BOXES
from mmdet_medglip.pages import Cell, Table

from .analysis import ALL, Analysis, EntryReport, Training
from .comparison import MACRO

__all__ = [
    'budget_table',
    'cost_table',
    'difference_table',
    'error_table',
    'froc_table',
    'plain',
    'score_table',
]


def score_table(found: Analysis) -> Table:
    """AP50 with intervals beside the budget, one row per entry."""
    columns = ('entry', 'kind', 'images seen', MACRO, *found.modalities)
    rows: list[tuple[Cell, ...]] = [
        (
            entry.name,
            entry.kind,
            _images(entry),
            *(_interval(entry.scores.ap50[name]) for name in (MACRO, *found.modalities)),
        )
        for entry in found.entries
    ]
    return Table(columns, rows)


def difference_table(found: Analysis) -> Table:
    """Differences of AP50 from the reference, one row per entry."""
    names = (MACRO, *found.modalities)
    rows = [
        (entry.name, *(_interval(entry.scores.difference[name], signed=True) for name in names))
        for entry in found.entries
        if entry.scores.difference
    ]
    return Table(('entry', *names), rows)


def budget_table(found: Analysis) -> Table:
    """What each entry was trained on, one row per entry."""
    columns = ('entry', 'trained on', 'images seen', 'time', 'macro AP50 by seed', 'note')
    rows = [
        (
            entry.name,
            ', then '.join(map(_training, entry.trainings)) or 'nothing here',
            _images(entry),
            _time(entry.seconds),
            ', '.join(f'{seed}: {v:.3f}' for seed, v in sorted(entry.scores.by_seed.items())),
            entry.note,
        )
        for entry in found.entries
    ]
    return Table(columns, rows)


def froc_table(found: Analysis) -> Table:
    """Sensitivity at numbers of false boxes, all modalities together."""
    columns = ('entry', *(str(Fraction(number)) for number in FALSE_BOXES), 'mean (CPM)')
    rows = [
        (entry.name, *map(_decimals, (*entry.froc[ALL], float(np.mean(entry.froc[ALL])))))
        for entry in found.entries
    ]
    return Table(columns, rows)


def error_table(found: Analysis) -> Table:
    """Boxes and missed truth by kind, the mean over seeds."""
    kinds = (*BOX_KINDS, 'missed', 'truth')
    rows: list[tuple[Cell, ...]] = [
        (
            entry.name,
            ', '.join(_decimals(score) for score in entry.thresholds),
            *(round(float(np.mean([getattr(c, kind) for c in entry.errors])), 1) for kind in kinds),
        )
        for entry in found.entries
    ]
    return Table(('entry', 'score', *kinds), rows)


def cost_table(found: Analysis) -> Table:
    """Parameters, memory and time, one row per entry."""
    columns = (
        'entry', 'parameters', 'trainable', 'active', 'GFLOPs', 'memory in training',
        'memory at test', 'GPU memory', 'images/s at test', 'training time', 'device',
    )  # fmt: skip
    return Table(columns, [_cost(entry) for entry in found.entries])


def plain(cell: Cell) -> str:
    """Write a cell for the console."""
    return f'{cell:,}' if isinstance(cell, int) else str(cell)


def _cost(entry: EntryReport) -> tuple[Cell, ...]:
    active = entry.cost.active.values()
    least, most = min(active, default=0) / 1e6, max(active, default=0) / 1e6
    rate = entry.images_per_second
    return (
        entry.name,
        f'{entry.cost.parameters / 1e6:.2f} M',
        f'{entry.cost.trainable / 1e6:.2f} M',
        f'{most:.2f} M' if least == most else f'{least:.2f} to {most:.2f} M',
        f'{entry.cost.flops / 1e9:.2f}',
        _memory(entry.train_memory),
        _memory(entry.test_memory),
        _memory(entry.gpu_memory),
        None if rate is None else round(rate, 1),
        _time(entry.seconds),
        entry.test_device,
    )


def _images(entry: EntryReport) -> int:
    return round(sum(training.images for training in entry.trainings))


def _training(training: Training) -> str:
    return f'{training.data} for {training.epochs:g} epochs'


def _interval(found: Interval, *, signed: bool = False) -> str:
    value, low, high = (_decimals(v, signed=signed) for v in (found.value, found.low, found.high))
    return value if value == '-' or '-' in (low, high) else f'{value} [{low}, {high}]'


def _decimals(value: float, *, signed: bool = False) -> str:
    if not math.isfinite(value):
        return '-'
    return f'{value:+.3f}' if signed else f'{value:.3f}'


def _memory(size: int) -> str:
    return f'{size / 1e9:.1f} GB' if size else '-'


def _time(seconds: float) -> str:
    if not seconds:
        return '-'
    if seconds < 90:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 5400 else f'{seconds / 3600:.1f} h'
