"""Pictures and tables of truth and predictions."""

from .draw_grounding import draw_grounding
from .draw_overlay import draw_overlay
from .drawn_boxes import DrawnBoxes
from .grid import draw_grid
from .heat_map import draw_heat_map, draw_heat_maps
from .palette import phrase_colours
from .table import render_table

__all__ = [
    'DrawnBoxes',
    'draw_grid',
    'draw_grounding',
    'draw_heat_map',
    'draw_heat_maps',
    'draw_overlay',
    'phrase_colours',
    'render_table',
]
