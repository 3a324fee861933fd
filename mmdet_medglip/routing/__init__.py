"""Which modality an image is of, where nobody said: foreign images, random views, decisions."""

from .foreign_images import draw_foreign, spoil
from .route import AUTO, SIDE, UNROUTED, Route, Verdict, follow
from .views import framed_views, random_views, stretch_contrast

__all__ = [
    'AUTO',
    'SIDE',
    'UNROUTED',
    'Route',
    'Verdict',
    'draw_foreign',
    'follow',
    'framed_views',
    'random_views',
    'spoil',
    'stretch_contrast',
]
