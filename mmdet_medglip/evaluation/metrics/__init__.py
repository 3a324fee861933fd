"""Metrics for MMEngine's evaluator: thin shells around ``evaluation.functional``."""

from .med_coco_metric import MedCocoMetric
from .modality_metric import ModalityMetric
from .phrase_grounding_metric import PhraseGroundingMetric

__all__ = ['MedCocoMetric', 'ModalityMetric', 'PhraseGroundingMetric']
