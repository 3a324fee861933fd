"""Regions in the forms that models take: text, marks, crops and tokens.

``SpatialContext`` combines them. To add a form of text, add a function and its line to the table in
``text.py``, and its hand-written lines to the tests. ``pool_regions`` needs torch and is imported
from its module.
"""

from .crops import crop_regions
from .marks import draw_marks
from .pictures import read_picture
from .places import SIDES, grid_places, lung_zones
from .spatial_context import GivenContext, SpatialContext
from .text import TEXT_FORMS, describe_regions

__all__ = [
    'SIDES',
    'TEXT_FORMS',
    'GivenContext',
    'SpatialContext',
    'crop_regions',
    'describe_regions',
    'draw_marks',
    'grid_places',
    'lung_zones',
    'read_picture',
]
