"""Charts of a data card, as PNG bytes that depend on their numbers only."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmdet_medglip.pages.chart_style import COLOURS, GRID, INK, as_png, chart_style, short_name
from mmdet_medglip.structures import SPLITS

from .histogram import LogHistogram

__all__ = ['bar_chart', 'histogram_chart', 'split_chart']

_SPLIT_COLOURS = dict(zip(SPLITS, COLOURS, strict=False))
_COLOUR = COLOURS[0]
_BAR_HEIGHT, _WIDTH, _DPI = 0.27, 8.0, 110
_COLUMNS = 4


def bar_chart(
    title: str, counts: Mapping[str, int], *, unit: str, limit: int = 40, ranked: bool = True
) -> bytes:
    """Draw one horizontal bar per name.

    Args:
        title: Above the chart.
        counts: Number by name; none gives an empty chart.
        unit: What is counted.
        limit: Bars at most; the title says how many there are.
        ranked: Whether the largest is on top; if False, names keep their order.

    Returns:
        PNG.
    """
    bars = list(counts.items())
    if ranked:
        bars.sort(key=lambda item: (-item[1], item[0]))
    shown = bars[:limit]
    if len(bars) > limit:
        title += f' (the {"largest" if ranked else "first"} {limit} of {len(bars)})'
    with _chart(len(shown)) as (figure, axes):
        places = range(len(shown))
        values = [value for _, value in shown]
        axes.barh(places, values, color=_COLOUR, height=0.7)
        _finish_bars(axes, [name for name, _ in shown], values, title, unit)
        return as_png(figure)


def split_chart(title: str, counts: Mapping[tuple[str, str], int], *, unit: str) -> bytes:
    """Draw one horizontal bar per name, made of its splits.

    Args:
        title: Above the chart.
        counts: Number by ``(name, split)``.
        unit: What is counted.

    Returns:
        PNG.
    """
    totals: dict[str, int] = {}
    for (name, _), value in counts.items():
        totals[name] = totals.get(name, 0) + value
    names = sorted(totals, key=lambda name: (-totals[name], name))
    with _chart(len(names)) as (figure, axes):
        left = [0] * len(names)
        for split in SPLITS:
            values = [counts.get((name, split), 0) for name in names]
            axes.barh(
                range(len(names)), values, left=left, color=_SPLIT_COLOURS[split],
                height=0.7, label=split, edgecolor='white', linewidth=0.5,
            )  # fmt: skip
            left = [a + b for a, b in zip(left, values, strict=True)]
        _finish_bars(axes, names, left, title, unit)
        axes.legend(loc='lower right', frameon=False, ncols=len(SPLITS), bbox_to_anchor=(1, 1))
        return as_png(figure)


def histogram_chart(
    title: str, histograms: Mapping[str, LogHistogram], *, unit: str, mark: float | None = None
) -> bytes:
    """Draw one small histogram per name, all on the same logarithmic axis.

    Args:
        title: Above the chart.
        histograms: Histogram by name, of the same bins; the orange line is its median.
        unit: Of the horizontal axis.
        mark: Value that gets a vertical line.

    Returns:
        PNG.
    """
    columns = max(1, min(_COLUMNS, len(histograms)))
    rows = max(1, -(-len(histograms) // columns))
    with chart_style():
        figure = Figure(figsize=(_WIDTH, 1.0 + 1.55 * rows), dpi=_DPI, layout='constrained')
        figure.suptitle(title, x=0.01, ha='left', fontsize=10)
        grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
        panels = [axes for row in grid for axes in row]
        low, high = _span(histograms.values())
        for axes, (name, histogram) in zip(panels, histograms.items(), strict=False):
            _draw_histogram(axes, name, histogram)
            axes.set_xlim(low, high)
            axes.set_ylim(0)
            if mark is not None:
                axes.axvline(mark, color=INK, linewidth=0.8, linestyle=':')
        for axes in panels[len(histograms) :]:
            axes.set_visible(False)
        for number, axes in enumerate(panels[: len(histograms)]):
            if number + columns >= len(histograms):
                axes.tick_params(labelbottom=True)
        figure.supxlabel(unit, fontsize=9)
        figure.supylabel('share of boxes', fontsize=9)
        return as_png(figure)


def _draw_histogram(axes: Axes, name: str, histogram: LogHistogram) -> None:
    total = max(1, histogram.total)
    pairs = zip(histogram.counts[::2], histogram.counts[1::2], strict=True)
    heights = [(first + second) / total for first, second in pairs]
    axes.stairs(heights, histogram.edges[::2], fill=True, color=_COLOUR)
    axes.set_xscale('log')
    axes.xaxis.set_major_locator(ticker.LogLocator(numticks=5))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f'{value:g}'))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.yaxis.set_major_locator(ticker.MaxNLocator(4))
    axes.axvline(histogram.quantile(0.5), color=COLOURS[3], linewidth=1.2)
    axes.set_title(f'{short_name(name)}\nn = {histogram.total:,}', fontsize=8.5)
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)


def _span(histograms: Any) -> tuple[float, float]:
    """Return the range that holds all values, in whole powers of ten where that is wide."""
    found = [(h.edges[i], h.edges[i + 1]) for h in histograms for i, n in enumerate(h.counts) if n]
    if not found:
        return 0.1, 10.0
    return min(low for low, _ in found) / 1.2, max(high for _, high in found) * 1.2


@contextmanager
def _chart(bars: int) -> Any:
    with chart_style():
        size = (_WIDTH, 0.95 + _BAR_HEIGHT * max(2, bars))
        figure = Figure(figsize=size, dpi=_DPI, layout='constrained')
        yield figure, figure.subplots()


def _finish_bars(
    axes: Axes, names: Sequence[str], values: Sequence[int], title: str, unit: str
) -> None:
    axes.set_yticks(range(len(names)), [short_name(name) for name in names])
    axes.set_ylim(max(2, len(names)) - 0.5, -0.5)
    largest = max(values, default=1) or 1
    axes.set_xlim(0, largest * 1.12)
    for place, value in enumerate(values):
        axes.text(value + 0.008 * largest, place, f'{value:,}', va='center', fontsize=8)
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.xaxis.set_major_formatter(ticker.StrMethodFormatter('{x:,.0f}'))
    axes.grid(axis='x', color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis='y', length=0)
    axes.spines[['top', 'right', 'left']].set_visible(False)
