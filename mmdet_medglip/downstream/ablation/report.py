"""One table and one plot of what regions are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mmdet_medglip.pages.chart_style import COLOURS, GRID, INK, as_png, chart_style
from mmdet_medglip.visualization.table import render_table

from .gain import Gain
from .scored_item import MEASURES

__all__ = ['CONDITION_NAMES', 'gain_chart', 'gain_table', 'gains_as_json']

CONDITION_NAMES = {
    'none': 'no boxes',
    'shuffled': 'shuffled boxes',
    'predicted': 'predicted boxes',
    'true': 'true boxes',
}


def gain_table(gains: Sequence[Gain], reference: str = 'none') -> str:
    """Lay out all measures: a row for each condition.

    Args:
        gains: Of :func:`compare_conditions`.
        reference: What differences are to.

    Returns:
        Lines of text.
    """
    rows: list[list[str | int | float]] = []
    for gain in gains:
        heading = f'{MEASURES[gain.measure]} ({gain.items} of {gain.patients} patients)'
        rows.append([heading, '', '', '', '', ''])
        for name in _ordered(gain):
            value = gain.values[name]
            cells: list[str | int | float] = [f'  {CONDITION_NAMES.get(name, name)}', value.value]
            cells.append(f'{value.low:.3f} to {value.high:.3f}')
            found = gain.differences.get(name)
            if found is None:
                cells += ['', '', '']
            else:
                cells += [
                    f'{found.difference:+.3f}',
                    f'{found.low:+.3f} to {found.high:+.3f}',
                    ' '.join(f'{one:+.3f}' for one in gain.difference_by_seed[name]),
                ]
            rows.append(cells)
    against = CONDITION_NAMES.get(reference, reference)
    columns = ('', 'value', '95 %', f'more than {against}', '95 %', 'each seed')
    return render_table('What regions are worth', columns, rows)


def gain_chart(gains: Sequence[Gain]) -> bytes:
    """Draw values of all conditions, and what each has more than the reference, as PNG.

    Args:
        gains: At least one.
    """
    with chart_style():
        figure = Figure(figsize=(3.4 * len(gains) + 0.6, 4.2), dpi=110, layout='constrained')
        grid = np.atleast_2d(figure.subplots(1, len(gains), squeeze=False))
        for axes, gain in zip(grid[0], gains, strict=True):
            names = _ordered(gain)
            for place, name in enumerate(names):
                value = gain.values[name]
                reach = [[value.value - value.low], [value.high - value.value]]
                axes.bar(
                    [place], [value.value], 0.7, color=COLOURS[place], yerr=np.nan_to_num(reach),
                    error_kw={'elinewidth': 1, 'ecolor': INK, 'capsize': 3}, zorder=2,
                )  # fmt: skip
                each = gain.by_seed[name]
                axes.plot([place] * len(each), each, 'o', ms=3, color=INK, zorder=3)
                found = gain.differences.get(name)
                if found is not None:
                    text = f'{found.difference:+.3f}\n{found.low:+.3f} to {found.high:+.3f}'
                    top = max(value.high, *each) if value.high == value.high else max(each)
                    axes.annotate(
                        text, (place, top), (0, 4), textcoords='offset points',
                        ha='center', fontsize=7, color=INK,
                    )  # fmt: skip
            labels = [CONDITION_NAMES.get(name, name).replace(' ', '\n') for name in names]
            axes.set_xticks(range(len(names)), labels)
            axes.set_ylim(0, 1.08)
            axes.grid(axis='y', color=GRID, zorder=0)
            for side in ('top', 'right'):
                axes.spines[side].set_visible(False)
            axes.set_title(MEASURES[gain.measure])
        return as_png(figure)


def gains_as_json(gains: Sequence[Gain]) -> list[dict[str, Any]]:
    """Return all figures as plain values; NaN becomes None."""
    return [_plain(asdict(gain)) for gain in gains]


def _ordered(gain: Gain) -> list[str]:
    known = [name for name in CONDITION_NAMES if name in gain.values]
    return known + [name for name in gain.values if name not in CONDITION_NAMES]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value != value:
        return None
    return value
