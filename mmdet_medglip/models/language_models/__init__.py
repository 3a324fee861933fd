"""Language models."""

from .length_buckets import length_buckets
from .padding import pad_rows
from .phrase_offsets import PhraseOffsets
from .prompt_file import load_prompts, save_prompts
from .recent_cache import RecentCache
from .text_encoder import TextEncoder
from .text_features import TextFeatures
from .weight_bound_cache import WeightBoundCache, autocast_type

__all__ = [
    'PhraseOffsets',
    'RecentCache',
    'TextEncoder',
    'TextFeatures',
    'WeightBoundCache',
    'autocast_type',
    'length_buckets',
    'load_prompts',
    'pad_rows',
    'save_prompts',
]
