"""Where records come from: the Arrow store, ODVG lines, COCO files."""

from .base import InstanceTable, RecordSource
from .coco import CocoSource
from .odvg import OdvgSource
from .opening import open_source
from .store import StoreSource

__all__ = [
    'CocoSource',
    'InstanceTable',
    'OdvgSource',
    'RecordSource',
    'StoreSource',
    'open_source',
]
