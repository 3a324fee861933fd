"""What runs around the model: hooks and safe checkpoints."""

from .checkpoint import load_checkpoint, use_safe_checkpoints
from .hooks import (
    CheckpointMatchHook,
    GroundingVisualizationHook,
    ModalityRoutingHook,
    TrainableParametersHook,
)

__all__ = [
    'CheckpointMatchHook',
    'GroundingVisualizationHook',
    'ModalityRoutingHook',
    'TrainableParametersHook',
    'load_checkpoint',
    'use_safe_checkpoints',
]
