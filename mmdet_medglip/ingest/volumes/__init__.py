"""Volumes as pure functions: orientation, slices, 16-bit storage, structures and their regions.

Coordinates are millimetres towards the patient's left, back and head (LPS, as in DICOM). Arrays
in display orientation have the axes (row, column, slice).
"""

from .grid import PLANES, Grid, Turn, same_place
from .plane_masks import PlaneMasks
from .slices import SlicePolicy
from .stored_range import StoredRange, stored_range
from .structures import (
    Structure,
    UnmappedValue,
    check_labels,
    objects_of_labels,
    regions_at,
    structure_of_mask,
    structures_of_labels,
)
from .volume import MAX_VOXELS, StoredVolume, Volume, check_voxels, display_volume

__all__ = [
    'MAX_VOXELS',
    'PLANES',
    'Grid',
    'PlaneMasks',
    'SlicePolicy',
    'StoredRange',
    'StoredVolume',
    'Structure',
    'Turn',
    'UnmappedValue',
    'Volume',
    'check_labels',
    'check_voxels',
    'display_volume',
    'objects_of_labels',
    'regions_at',
    'same_place',
    'stored_range',
    'structure_of_mask',
    'structures_of_labels',
]
