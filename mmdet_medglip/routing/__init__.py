"""Which modality an image is of, where nobody said: foreign images, random views, decisions."""

from .foreign_images import draw_foreign, spoil
from .route import AUTO, SIDE, UNROUTED, Route, Verdict
from .views import random_views, stretch_contrast

__all__ = [
    'AUTO',
    'SIDE',
    'UNROUTED',
    'Route',
    'Verdict',
    'draw_foreign',
    'random_views',
    'spoil',
    'stretch_contrast',
]
