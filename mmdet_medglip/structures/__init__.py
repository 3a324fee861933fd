"""Small frozen dataclasses of the data: one record is one 2-D image and its regions.

Boxes are ``(x1, y1, x2, y2)`` in pixels of the stored image, half open: pixel column ``c`` spans
``[c, c + 1)``, so that ``x2 - x1`` is the width and a box around columns 3 to 5 is ``(3, .., 6)``.
Masks are COCO compressed run lengths, ``{'size': [height, width], 'counts': str}``.
"""

from .instance import Box, Instance, Rle
from .record import SPLITS, Record

__all__ = ['SPLITS', 'Box', 'Instance', 'Record', 'Rle']
