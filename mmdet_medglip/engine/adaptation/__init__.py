"""Adapt a detector to a new task: what is trained, what is saved."""

from .adaptation import Adaptation
from .adaptation_hook import AdaptationHook
from .adaptation_runner import AdaptationRunner, adapt
from .full_fine_tuning import FullFineTuning
from .linear_probe import LinearProbe
from .lora import LoRA
from .merging import merge_checkpoint
from .prompt_tuning import PromptTuning

__all__ = [
    'Adaptation',
    'AdaptationHook',
    'AdaptationRunner',
    'FullFineTuning',
    'LinearProbe',
    'LoRA',
    'PromptTuning',
    'adapt',
    'merge_checkpoint',
]
