"""What runs around the model: adaptation, hooks, loops and safe checkpoints."""

from .adaptation import AdaptationRunner, adapt
from .checkpoint import load_checkpoint, use_safe_checkpoints
from .hooks import (
    CheckpointMatchHook,
    DurableCheckpointHook,
    EpochSeedHook,
    GroundingVisualizationHook,
    ModalityRoutingHook,
    NonFiniteLossHook,
    QuarantineHook,
    TaskComparisonHook,
    TrainableParametersHook,
)
from .loops import MultiTaskTestLoop

__all__ = [
    'AdaptationRunner',
    'CheckpointMatchHook',
    'DurableCheckpointHook',
    'EpochSeedHook',
    'GroundingVisualizationHook',
    'ModalityRoutingHook',
    'MultiTaskTestLoop',
    'NonFiniteLossHook',
    'QuarantineHook',
    'TaskComparisonHook',
    'TrainableParametersHook',
    'adapt',
    'load_checkpoint',
    'use_safe_checkpoints',
]
