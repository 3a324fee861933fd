"""Small models that answer questions and write reports, trained on a CPU in minutes.

Data set, transforms, model and metrics are registered beside the others; configs/downstream uses
them.
"""

from ..ablation.region_source import SOURCES, regions_of
from ..task_text import TaskText, read_task_texts
from .answer_metric import AnswerMetric
from .finding_metric import FindingMetric
from .image_encoder import ImageEncoder
from .region_text_dataset import RegionTextDataset
from .region_text_model import RegionTextModel
from .region_transforms import LoadRegions, PackRegionInputs
from .word_vocabulary import WordVocabulary

__all__ = [
    'SOURCES',
    'AnswerMetric',
    'FindingMetric',
    'ImageEncoder',
    'LoadRegions',
    'PackRegionInputs',
    'RegionTextDataset',
    'RegionTextModel',
    'TaskText',
    'WordVocabulary',
    'read_task_texts',
    'regions_of',
]
