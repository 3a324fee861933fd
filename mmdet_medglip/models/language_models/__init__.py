"""Language models."""

from .prompt_file import load_prompts, save_prompts
from .text_encoder import TextEncoder
from .text_features import TextFeatures
from .weight_bound_cache import WeightBoundCache, autocast_type

__all__ = [
    'TextEncoder',
    'TextFeatures',
    'WeightBoundCache',
    'autocast_type',
    'load_prompts',
    'save_prompts',
]
