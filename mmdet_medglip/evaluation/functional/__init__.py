"""Metrics as pure functions of NumPy arrays: no registry, no state, no torch."""

from .average_precision import AveragePrecision, ImageDetections, average_precision
from .boxes import pairwise_iou
from .hierarchical_average_precision import (
    HierarchicalAveragePrecision,
    expand_to_ancestors,
    hierarchical_average_precision,
)
from .label_tree import LabelTree
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall
from .risk_coverage import RiskCoverage, risk_coverage

__all__ = [
    'MISS',
    'AveragePrecision',
    'HierarchicalAveragePrecision',
    'ImageDetections',
    'LabelTree',
    'PhrasePair',
    'RiskCoverage',
    'average_precision',
    'expand_to_ancestors',
    'first_hit',
    'hierarchical_average_precision',
    'pairwise_iou',
    'phrase_accuracy',
    'phrase_recall',
    'risk_coverage',
]
