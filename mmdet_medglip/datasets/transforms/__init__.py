"""Transforms of medical images and prompts; everything geometric is MMDetection's."""

from .intensity_window import DEFAULT_WINDOWS, WINDOW_PRESETS, IntensityWindow
from .load_image import LoadMedImage
from .pack_inputs import PackGroundingInputs
from .sample_prompt import SamplePrompt
from .shuffle_phrases import ShufflePhrases

__all__ = [
    'DEFAULT_WINDOWS',
    'WINDOW_PRESETS',
    'IntensityWindow',
    'LoadMedImage',
    'PackGroundingInputs',
    'SamplePrompt',
    'ShufflePhrases',
]
