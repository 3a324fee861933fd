"""Charts of a benchmark report, as PNG bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmdet_medglip.evaluation.functional.bootstrap import Interval
from mmdet_medglip.evaluation.functional.error_types import BOX_KINDS
from mmdet_medglip.evaluation.functional.froc import FALSE_BOXES
from mmdet_medglip.evaluation.functional.precision_recall import RECALLS
from mmdet_medglip.pages.chart_style import (
    COLOURS,
    GRID,
    INK,
    as_png,
    chart_style,
    short_name,
)

from .analysis import ALL, EntryReport
from .comparison import MACRO

__all__ = ['difference_chart', 'error_chart', 'froc_chart', 'precision_chart', 'score_chart']

_WIDTH, _DPI = 10.0, 110
_STYLES = ('-', '--', ':', '-.')
_COLUMNS = 4
_ERRORS = (*BOX_KINDS, 'missed')
_ERROR_COLOURS = dict(
    zip(_ERRORS, ('#009E73', '#56B4E9', '#E69F00', '#F0E442', '#D55E00', '#999999'), strict=True)
)


def score_chart(entries: Sequence[EntryReport], modalities: Sequence[str]) -> bytes:
    """Draw AP50 of each modality and entry as bars with their intervals.

    Args:
        entries: At least one.
        modalities: Of the test images.

    Returns:
        PNG.
    """
    groups = [MACRO, *modalities]
    width = 0.84 / len(entries)
    with chart_style():
        figure = Figure(figsize=(_WIDTH, 4.2), dpi=_DPI, layout='constrained')
        axes = figure.subplots()
        for number, entry in enumerate(entries):
            scores = [entry.scores.ap50[group] for group in groups]
            places = np.arange(len(groups)) + (number - (len(entries) - 1) / 2) * width
            axes.bar(
                places, [score.value for score in scores], 0.92 * width,
                color=_colour(number), hatch=_hatch(number), edgecolor='white', linewidth=0,
                label=short_name(entry.name), yerr=_reach(scores),
                error_kw={'elinewidth': 0.9, 'ecolor': INK, 'capsize': min(3.0, 14 * width)},
            )  # fmt: skip
        axes.set_xticks(range(len(groups)), groups)
        axes.axvspan(-0.5, 0.5, color='#f4f4f4', zorder=-2)
        axes.set_xlim(-0.5, len(groups) - 0.5)
        _finish(axes, 'AP50')
        axes.set_ylim(0, 1)
        _legend(figure, axes)
        return as_png(figure)


def difference_chart(entries: Sequence[EntryReport], reference: str) -> bytes:
    """Draw what macro AP50 of each entry differs by from the reference, with intervals.

    Args:
        entries: Of those without a difference nothing is drawn.
        reference: Name of the reference.

    Returns:
        PNG.
    """
    shown = [entry for entry in entries if entry.scores.difference]
    with chart_style():
        figure = Figure(figsize=(_WIDTH, 1.1 + 0.32 * max(1, len(shown))), dpi=_DPI,
                        layout='constrained')  # fmt: skip
        axes = figure.subplots()
        for place, entry in enumerate(shown):
            found = (entry.scores.difference or {})[MACRO]
            colour = _colour(list(entries).index(entry))
            axes.errorbar(
                [found.value], [place], xerr=_reach([found]), fmt='o', color=colour, capsize=3
            )
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_yticks(range(len(shown)), [short_name(entry.name) for entry in shown])
        axes.set_ylim(max(1, len(shown)) - 0.5, -0.5)
        axes.set_xlabel(f'macro AP50 less that of {short_name(reference)}')
        axes.grid(axis='x', color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[['top', 'right', 'left']].set_visible(False)
        axes.tick_params(axis='y', length=0)
        return as_png(figure)


def precision_chart(entries: Sequence[EntryReport], modalities: Sequence[str]) -> bytes:
    """Draw precision over recall (IoU 0.5), one panel for all images and for each modality."""

    def draw(axes: Axes, entry: EntryReport, panel: str, line: Mapping[str, Any]) -> None:
        axes.plot(RECALLS, entry.precision[panel], **line)
        axes.set_xlim(0, 1)

    return _panels(entries, modalities, draw, 'recall', 'precision')


def froc_chart(entries: Sequence[EntryReport], modalities: Sequence[str]) -> bytes:
    """Draw sensitivity over false boxes per image, one panel for all and for each modality."""

    def draw(axes: Axes, entry: EntryReport, panel: str, line: Mapping[str, Any]) -> None:
        axes.plot(FALSE_BOXES, entry.froc[panel], marker='o', markersize=2.5, **line)
        axes.set_xscale('log', base=2)
        axes.set_xticks(FALSE_BOXES, ['1/8', '1/4', '1/2', '1', '2', '4', '8'])
        axes.minorticks_off()

    return _panels(entries, modalities, draw, 'false boxes per image', 'sensitivity')


def error_chart(entries: Sequence[EntryReport]) -> bytes:
    """Draw boxes by kind, and truth that is missed, per image and entry, as stacked bars.

    Args:
        entries: At least one.

    Returns:
        PNG.
    """
    with chart_style():
        figure = Figure(figsize=(_WIDTH, 1.3 + 0.34 * len(entries)), dpi=_DPI, layout='constrained')
        axes = figure.subplots()
        left = np.zeros(len(entries))
        for kind in _ERRORS:
            values = np.array([
                np.mean([getattr(counts, kind) / max(1, counts.images) for counts in entry.errors])
                for entry in entries
            ])  # fmt: skip
            axes.barh(
                range(len(entries)), values, left=left, height=0.7, label=kind,
                color=_ERROR_COLOURS[kind], edgecolor='white', linewidth=0.5,
                hatch='////' if kind == 'missed' else None,
            )  # fmt: skip
            left += values
        axes.set_yticks(range(len(entries)), [short_name(entry.name) for entry in entries])
        axes.set_ylim(len(entries) - 0.5, -0.5)
        axes.set_xlabel('per image')
        axes.grid(axis='x', color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[['top', 'right', 'left']].set_visible(False)
        axes.tick_params(axis='y', length=0)
        _legend(figure, axes)
        return as_png(figure)


def _panels(
    entries: Sequence[EntryReport],
    modalities: Sequence[str],
    draw: Callable[[Axes, EntryReport, str, Mapping[str, Any]], None],
    across: str,
    up: str,
) -> bytes:
    names = [ALL, *modalities] if len(modalities) > 1 else list(modalities)
    rows = -(-len(names) // _COLUMNS)
    columns = -(-len(names) // rows)
    with chart_style():
        figure = Figure(figsize=(_WIDTH, 0.9 + 2.3 * rows), dpi=_DPI, layout='constrained')
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        panels = [axes for row in grid for axes in row]
        for axes, name in zip(panels, names, strict=False):
            for number, entry in enumerate(entries):
                look = {'color': _colour(number), 'linestyle': _style(number), 'linewidth': 1.4}
                draw(axes, entry, name, {**look, 'label': short_name(entry.name)})
            axes.set_title(name)
            axes.set_ylim(0, 1.02)
            _finish(axes, None)
        for number, axes in enumerate(panels):
            axes.set_visible(number < len(names))
            if number + columns >= len(names):
                axes.tick_params(labelbottom=True)
        figure.supxlabel(across, fontsize=9)
        figure.supylabel(up, fontsize=9)
        _legend(figure, panels[0])
        return as_png(figure)


def _finish(axes: Axes, label: str | None) -> None:
    if label:
        axes.set_ylabel(label)
    axes.grid(axis='y', color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    columns = min(6, max(1, len(labels)))
    figure.legend(handles, labels, loc='outside upper left', frameon=False, ncols=columns)


def _reach(scores: Sequence[Interval]) -> np.ndarray:
    """[2, N] how far intervals reach down and up; 0 where they are not known."""
    down = [score.value - score.low for score in scores]
    up = [score.high - score.value for score in scores]
    return np.clip(np.nan_to_num(np.array([down, up])), 0, None)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _style(number: int) -> str:
    return _STYLES[number // len(COLOURS) % len(_STYLES)]


def _hatch(number: int) -> str | None:
    return (None, '///', '...')[number // len(COLOURS) % 3]
