"""Metrics for MMEngine's evaluator."""

from .asked_coco_metric import AskedCocoMetric
from .back_off_metric import BackOffMetric
from .collect_presence import CollectPresence
from .hierarchical_metric import HierarchicalMetric
from .med_coco_metric import MedCocoMetric
from .modality_metric import ModalityMetric
from .phrase_grounding_metric import PhraseGroundingMetric
from .presence_metric import PresenceMetric
from .result_file_metric import ResultFileMetric
from .volume_metric import VolumeMetric

__all__ = [
    'AskedCocoMetric',
    'BackOffMetric',
    'CollectPresence',
    'HierarchicalMetric',
    'MedCocoMetric',
    'ModalityMetric',
    'PhraseGroundingMetric',
    'PresenceMetric',
    'ResultFileMetric',
    'VolumeMetric',
]
