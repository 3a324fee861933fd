"""Metrics for MMEngine's evaluator."""

from .asked_coco_metric import AskedCocoMetric
from .collect_presence import CollectPresence
from .hierarchical_metric import HierarchicalMetric
from .med_coco_metric import MedCocoMetric
from .modality_metric import ModalityMetric
from .phrase_grounding_metric import PhraseGroundingMetric
from .presence_metric import PresenceMetric
from .result_file_metric import ResultFileMetric

__all__ = [
    'AskedCocoMetric',
    'CollectPresence',
    'HierarchicalMetric',
    'MedCocoMetric',
    'ModalityMetric',
    'PhraseGroundingMetric',
    'PresenceMetric',
    'ResultFileMetric',
]
