"""Hooks of the runner."""

from .checkpoint_match_hook import CheckpointMatchHook, check_state_dict
from .grounding_visualization_hook import GroundingVisualizationHook
from .modality_routing_hook import ModalityRoutingHook
from .shared_start_hook import SharedStartHook
from .task_comparison_hook import TaskComparisonHook
from .trainable_parameters_hook import TrainableParametersHook, count_parameters

__all__ = [
    'CheckpointMatchHook',
    'GroundingVisualizationHook',
    'ModalityRoutingHook',
    'SharedStartHook',
    'TaskComparisonHook',
    'TrainableParametersHook',
    'check_state_dict',
    'count_parameters',
]
