"""Stores of records on disk: their layout, their index, and how they are read.

Nothing here needs torch, so that programs that only look at a store start at once.
"""

from .grounding_store import GroundingStore
from .index import StoreIndex

__all__ = ['GroundingStore', 'StoreIndex']
