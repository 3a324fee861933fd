"""Grounding and detection metrics.

To add a metric: write it as a pure function of arrays in ``functional`` with hand-computed tests,
give it a name in ``measures.py``, which reads result files, and a line in docs/evaluation.md. One
that is to be seen during training is also wrapped in a ``BaseMetric`` in ``metrics`` that keeps
small NumPy results per image, and imported in ``metrics/__init__.py``.
"""

from .image_result import ImageResult, PhraseResult
from .metrics import (
    AskedCocoMetric,
    CollectPresence,
    HierarchicalMetric,
    MedCocoMetric,
    ModalityMetric,
    PhraseGroundingMetric,
    PresenceMetric,
    ResultFileMetric,
    VolumeMetric,
)
from .result_file import load_results, save_results
from .results import Results

__all__ = [
    'AskedCocoMetric',
    'CollectPresence',
    'HierarchicalMetric',
    'ImageResult',
    'MedCocoMetric',
    'ModalityMetric',
    'PhraseGroundingMetric',
    'PhraseResult',
    'PresenceMetric',
    'ResultFileMetric',
    'Results',
    'VolumeMetric',
    'load_results',
    'save_results',
]
