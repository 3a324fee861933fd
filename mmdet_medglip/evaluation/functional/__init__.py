"""Metrics as pure functions of NumPy arrays: no registry, no state, no torch."""

from .average_precision import AveragePrecision, ImageDetections, average_precision
from .boxes import pairwise_iou
from .false_boxes import RecallCurve, found_at, recall_curve
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall
from .presence import auroc, brier_score, expected_calibration_error, no_target_accuracy
from .task_changes import TaskChange, task_changes

__all__ = [
    'MISS',
    'AveragePrecision',
    'ImageDetections',
    'PhrasePair',
    'RecallCurve',
    'TaskChange',
    'auroc',
    'average_precision',
    'brier_score',
    'expected_calibration_error',
    'first_hit',
    'found_at',
    'no_target_accuracy',
    'pairwise_iou',
    'phrase_accuracy',
    'phrase_recall',
    'recall_curve',
    'task_changes',
]
