"""From source data sets to a store: readers, label mapping, boxes from masks, splits, writer."""

from .recipe import Recipe, available_recipes, ingest, load_recipe
from .splits import assign_split
from .writer import StoreWriter

__all__ = [
    'Recipe',
    'StoreWriter',
    'assign_split',
    'available_recipes',
    'ingest',
    'load_recipe',
]
