"""Metrics as pure functions of NumPy arrays: no registry, no state, no torch."""

from .average_precision import AveragePrecision, ImageDetections, average_precision
from .boxes import pairwise_iou
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall
from .task_changes import TaskChange, task_changes

__all__ = [
    'MISS',
    'AveragePrecision',
    'ImageDetections',
    'PhrasePair',
    'TaskChange',
    'average_precision',
    'first_hit',
    'pairwise_iou',
    'phrase_accuracy',
    'phrase_recall',
    'task_changes',
]
