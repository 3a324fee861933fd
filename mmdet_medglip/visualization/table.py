"""Compact text tables for log files."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ['render_table']


def render_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str | int | float]]
) -> str:
    """Render a table as plain text, first column left, the others right.

    Args:
        title: One line above the table.
        columns: Headings.
        rows: Cells, as many per row as ``columns``; floats print with three decimals, NaN as '-'.
            No rows gives the heading alone.

    Returns:
        Lines without colour codes, starting with a line break so that it stands below a log
        prefix.

    Raises:
        ValueError: If a row has another number of cells than ``columns``.
    """
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify='left', pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify='left' if number == 0 else 'right', no_wrap=True)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f'Expected {len(columns)} cells in a table row, got {list(row)}.')
        table.add_row(*(_cell(value) for value in row))
    stream = io.StringIO()
    Console(file=stream, width=160, color_system=None, markup=False).print(table)
    return '\n' + '\n'.join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


def _cell(value: str | int | float) -> str:
    if isinstance(value, float):
        return '-' if value != value else f'{value:.3f}'
    return f'{value:,}' if isinstance(value, int) else value
