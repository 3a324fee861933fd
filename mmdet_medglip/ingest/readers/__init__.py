"""Readers of source layouts, found by name in the registry ``READERS``."""

from .base import Reader, RecipeError
from .coco import CocoReader
from .csv_table import CsvReader
from .dicom import DicomReader
from .labelme import LabelMeReader
from .listing import ListingReader
from .mask_image import MaskImageReader
from .nifti import NiftiReader
from .npz import ScipyNpzReader
from .npz_volume import NpzVolumeReader
from .odvg import OdvgReader
from .pattern import PatternReader
from .sitk_volume import SitkVolumeReader
from .via import ViaReader
from .voc import VocReader
from .volume_files import VolumeFileReader
from .volume_reader import VolumeReader
from .yolo import YoloReader

__all__ = [
    'CocoReader',
    'CsvReader',
    'DicomReader',
    'LabelMeReader',
    'ListingReader',
    'MaskImageReader',
    'NiftiReader',
    'NpzVolumeReader',
    'OdvgReader',
    'PatternReader',
    'Reader',
    'RecipeError',
    'ScipyNpzReader',
    'SitkVolumeReader',
    'ViaReader',
    'VocReader',
    'VolumeFileReader',
    'VolumeReader',
    'YoloReader',
]
