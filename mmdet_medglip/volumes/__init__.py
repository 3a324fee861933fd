"""Volumes: boxes of slices linked to 3-D boxes, their place in the patient, and label maps."""

from .label_map import paint_boxes, save_label_map
from .link_settings import LinkSettings
from .linking import enclosing_volume_box, link_boxes
from .placement import (
    corners_mm,
    enclosing_mm,
    size_mm,
    stored_extents,
    stored_slice_boxes,
    voxels,
)
from .slice_boxes import SliceBoxes
from .volume_boxes import VolumeBoxes

__all__ = [
    'LinkSettings',
    'SliceBoxes',
    'VolumeBoxes',
    'corners_mm',
    'enclosing_mm',
    'enclosing_volume_box',
    'link_boxes',
    'paint_boxes',
    'save_label_map',
    'size_mm',
    'stored_extents',
    'stored_slice_boxes',
    'voxels',
]
