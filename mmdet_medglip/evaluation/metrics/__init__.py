"""Metrics for MMEngine's evaluator."""

from .collect_presence import CollectPresence
from .hierarchical_metric import HierarchicalMetric
from .med_coco_metric import MedCocoMetric
from .phrase_grounding_metric import PhraseGroundingMetric
from .presence_metric import PresenceMetric

__all__ = [
    'CollectPresence',
    'HierarchicalMetric',
    'MedCocoMetric',
    'PhraseGroundingMetric',
    'PresenceMetric',
]
