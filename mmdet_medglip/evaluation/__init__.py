"""Grounding and detection metrics.

To add a metric: write it as a pure function of arrays in ``functional`` with hand-computed tests,
wrap it in a ``BaseMetric`` in ``metrics`` that keeps small NumPy results per image, and import the
class in ``metrics/__init__.py``.
"""

from .metrics import (
    AskedCocoMetric,
    CollectPresence,
    HierarchicalMetric,
    MedCocoMetric,
    ModalityMetric,
    PhraseGroundingMetric,
    PresenceMetric,
    ResultFileMetric,
)
from .result_file import load_results, save_results
from .results import ImageResult, PhraseResult, Results

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
    'load_results',
    'save_results',
]
