"""Metrics for MMEngine's evaluator: thin shells around ``evaluation.functional``."""

from .hierarchical_metric import HierarchicalMetric
from .med_coco_metric import MedCocoMetric
from .phrase_grounding_metric import PhraseGroundingMetric

__all__ = ['HierarchicalMetric', 'MedCocoMetric', 'PhraseGroundingMetric']
