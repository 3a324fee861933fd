"""Transforms of medical images and prompts; what is geometric is MMDetection's."""

from .closed_set_prompt import ClosedSetPrompt
from .intensity_window import DEFAULT_WINDOWS, WINDOW_PRESETS, IntensityWindow
from .load_image import LoadMedImage
from .modality_thumbnail import ModalityThumbnail
from .pack_inputs import PackGroundingInputs
from .random_sided_flip import RandomSidedFlip
from .route_modality import RouteModality
from .sample_prompt import SamplePrompt
from .shuffle_phrases import ShufflePhrases
from .thumbnail import thumbnail_of

__all__ = [
    'DEFAULT_WINDOWS',
    'WINDOW_PRESETS',
    'ClosedSetPrompt',
    'IntensityWindow',
    'LoadMedImage',
    'ModalityThumbnail',
    'PackGroundingInputs',
    'RandomSidedFlip',
    'RouteModality',
    'SamplePrompt',
    'ShufflePhrases',
    'thumbnail_of',
]
