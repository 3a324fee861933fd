"""Metrics as pure functions of NumPy arrays: no registry, no state, no torch."""

from .average_precision import AveragePrecision, ImageDetections, average_precision
from .back_off import back_off_candidates
from .boxes import pairwise_iou
from .false_boxes import RecallCurve, found_at, recall_curve
from .hierarchical_average_precision import (
    HierarchicalAveragePrecision,
    expand_to_ancestors,
    hierarchical_average_precision,
)
from .label_tree import LabelTree
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall
from .presence import auroc, brier_score, expected_calibration_error, no_target_accuracy
from .risk_coverage import RiskCoverage, risk_coverage
from .task_changes import TaskChange, task_changes

__all__ = [
    'MISS',
    'AveragePrecision',
    'HierarchicalAveragePrecision',
    'ImageDetections',
    'LabelTree',
    'PhrasePair',
    'RecallCurve',
    'RiskCoverage',
    'TaskChange',
    'auroc',
    'average_precision',
    'back_off_candidates',
    'brier_score',
    'expand_to_ancestors',
    'expected_calibration_error',
    'first_hit',
    'found_at',
    'hierarchical_average_precision',
    'no_target_accuracy',
    'pairwise_iou',
    'phrase_accuracy',
    'phrase_recall',
    'recall_curve',
    'risk_coverage',
    'task_changes',
]
