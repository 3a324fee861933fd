"""Metrics as pure functions of NumPy arrays: no registry, no state, no torch."""

from .average_precision import AveragePrecision, average_precision
from .back_off import back_off_candidates
from .bootstrap import cluster_interval
from .boxes import enclosing_box, pairwise_iou, pairwise_iou_3d, union_iou
from .coco_figures import CocoFigures, coco_figures
from .false_boxes import RecallCurve, found_at, recall_curve
from .froc import Froc, FrocCurve, froc
from .hierarchical_average_precision import (
    HierarchicalAveragePrecision,
    expand_to_ancestors,
    hierarchical_average_precision,
)
from .image_detections import ImageDetections
from .label_tree import LabelTree
from .paired import PairedDifference, paired_difference
from .phrase_grounding import JudgedPhrase, judge_phrase, phrase_figures, set_f1
from .phrase_recall import MISS, PhrasePair, first_hit, phrase_accuracy, phrase_recall
from .presence import auroc, brier_score, expected_calibration_error, no_target_accuracy
from .resampled_ap import MacroAP50, ResampledAP50
from .risk_coverage import RiskCoverage, risk_coverage
from .task_changes import TaskChange, task_changes
from .volume_average_precision import VolumeAveragePrecision, volume_average_precision
from .volume_detections import VolumeDetections
from .volume_froc import volume_froc

__all__ = [
    'MISS',
    'AveragePrecision',
    'CocoFigures',
    'Froc',
    'FrocCurve',
    'HierarchicalAveragePrecision',
    'ImageDetections',
    'JudgedPhrase',
    'LabelTree',
    'MacroAP50',
    'PairedDifference',
    'PhrasePair',
    'RecallCurve',
    'ResampledAP50',
    'RiskCoverage',
    'TaskChange',
    'VolumeAveragePrecision',
    'VolumeDetections',
    'auroc',
    'average_precision',
    'back_off_candidates',
    'brier_score',
    'cluster_interval',
    'coco_figures',
    'enclosing_box',
    'expand_to_ancestors',
    'expected_calibration_error',
    'first_hit',
    'found_at',
    'froc',
    'hierarchical_average_precision',
    'judge_phrase',
    'no_target_accuracy',
    'paired_difference',
    'pairwise_iou',
    'pairwise_iou_3d',
    'phrase_accuracy',
    'phrase_figures',
    'phrase_recall',
    'recall_curve',
    'risk_coverage',
    'set_f1',
    'task_changes',
    'union_iou',
    'volume_average_precision',
    'volume_froc',
]
