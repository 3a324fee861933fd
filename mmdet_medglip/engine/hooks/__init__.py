"""Hooks of the runner."""

from .checkpoint_match_hook import CheckpointMatchHook, check_state_dict
from .durable_checkpoint_hook import DurableCheckpointHook
from .epoch_seed_hook import EpochSeedHook
from .grounding_visualization_hook import GroundingVisualizationHook
from .modality_routing_hook import ModalityRoutingHook
from .non_finite_loss_hook import NonFiniteLossHook
from .quarantine_hook import QuarantineHook
from .shared_start_hook import SharedStartHook
from .task_comparison_hook import TaskComparisonHook
from .trainable_parameters_hook import TrainableParametersHook, count_parameters

__all__ = [
    'CheckpointMatchHook',
    'DurableCheckpointHook',
    'EpochSeedHook',
    'GroundingVisualizationHook',
    'ModalityRoutingHook',
    'NonFiniteLossHook',
    'QuarantineHook',
    'SharedStartHook',
    'TaskComparisonHook',
    'TrainableParametersHook',
    'check_state_dict',
    'count_parameters',
]
