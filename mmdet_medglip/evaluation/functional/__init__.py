"""Metrics as pure functions of NumPy arrays: no registry, no state, no torch."""

from .average_precision import AveragePrecision, ImageDetections, average_precision
from .boxes import pairwise_iou
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall

__all__ = [
    'MISS',
    'AveragePrecision',
    'ImageDetections',
    'PhrasePair',
    'average_precision',
    'first_hit',
    'pairwise_iou',
    'phrase_accuracy',
    'phrase_recall',
]
