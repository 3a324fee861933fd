"""From source data sets to a store: readers, label mapping, boxes, quality, splits, writing."""

from .recipe import Recipe, available_recipes, load_recipe
from .report import SourceReport
from .run import IngestError, remove_source, run_ingest
from .splits import assign_split
from .writer import StoreWriter

__all__ = [
    'IngestError',
    'Recipe',
    'SourceReport',
    'StoreWriter',
    'assign_split',
    'available_recipes',
    'load_recipe',
    'remove_source',
    'run_ingest',
]
