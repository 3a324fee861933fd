"""Look of the charts of reports; a chart depends on its numbers only, down to the bytes.

Colours are those of Okabe and Ito, which colour-blind readers tell apart.
"""

import io
from contextlib import AbstractContextManager

from matplotlib import style
from matplotlib.figure import Figure

__all__ = ['COLOURS', 'GRID', 'INK', 'as_png', 'chart_style', 'short_name']

COLOURS = (
    '#0072B2', '#E69F00', '#009E73', '#D55E00', '#56B4E9', '#CC79A7', '#F0E442', '#333333',
)  # fmt: skip
GRID, INK = '#dddddd', '#333333'

_SETTINGS = {
    'font.size': 9,
    'axes.edgecolor': INK,
    'axes.titlesize': 10,
    'axes.titlelocation': 'left',
    # Names come from sources: a dollar sign in them is no formula.
    'text.parse_math': False,
}
_LONGEST_NAME = 44


def chart_style() -> AbstractContextManager:
    """Draw figures in the same way whatever the user's settings are."""
    return style.context(['default', _SETTINGS])


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG without a note on the program."""
    stream = io.BytesIO()
    figure.savefig(stream, format='png', metadata={'Software': None})
    return stream.getvalue()


def short_name(name: str) -> str:
    """Bring a name to one line of at most 44 characters."""
    text = ' '.join(name.split())
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + '…'
