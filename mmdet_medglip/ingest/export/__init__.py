"""From a store to files that other programs read: COCO and ODVG."""

from .coco import export_coco
from .images import IMAGES
from .odvg import export_odvg
from .report import ExportReport

__all__ = ['IMAGES', 'ExportReport', 'export_coco', 'export_odvg']
