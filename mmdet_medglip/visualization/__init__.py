"""Pictures and tables of truth and predictions."""

from .draw_grounding import DrawnBoxes, draw_grounding
from .table import render_table

__all__ = ['DrawnBoxes', 'draw_grounding', 'render_table']
