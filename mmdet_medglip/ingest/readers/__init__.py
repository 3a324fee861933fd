"""Readers of source layouts, found by name in the registry ``READERS``."""

from .base import Item, Reader, RecipeError, SkippedItem
from .coco import CocoReader
from .mask_image import MaskImageReader
from .nifti import NiftiReader
from .npz import ScipyNpzReader
from .yolo import YoloReader

__all__ = [
    'CocoReader',
    'Item',
    'MaskImageReader',
    'NiftiReader',
    'Reader',
    'RecipeError',
    'ScipyNpzReader',
    'SkippedItem',
    'YoloReader',
]
