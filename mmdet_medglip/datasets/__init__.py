"""Data sets: the store, the data set over it, transforms and samplers."""

from .hold_out import HoldOut
from .med_grounding_dataset import MedGroundingDataset
from .meta_keys import GROUNDING_META_KEYS
from .samplers import ModalityBalancedBatchSampler
from .transforms import (
    IntensityWindow,
    LoadMedImage,
    ModalityThumbnail,
    PackGroundingInputs,
    RandomSidedFlip,
    RouteModality,
    SamplePrompt,
    ShufflePhrases,
)
from .vocabulary import Vocabulary

__all__ = [
    'GROUNDING_META_KEYS',
    'HoldOut',
    'IntensityWindow',
    'LoadMedImage',
    'MedGroundingDataset',
    'ModalityBalancedBatchSampler',
    'ModalityThumbnail',
    'PackGroundingInputs',
    'RandomSidedFlip',
    'RouteModality',
    'SamplePrompt',
    'ShufflePhrases',
    'Vocabulary',
]
