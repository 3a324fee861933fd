"""Grounding and detection metrics.

To add a metric: write it as a pure function of arrays in ``functional`` with hand-computed tests,
wrap it in a ``BaseMetric`` in ``metrics`` that keeps small NumPy results per image, and import the
class in ``metrics/__init__.py``.
"""

from .metrics import (
    CollectPresence,
    HierarchicalMetric,
    MedCocoMetric,
    PhraseGroundingMetric,
    PresenceMetric,
)

__all__ = [
    'CollectPresence',
    'HierarchicalMetric',
    'MedCocoMetric',
    'PhraseGroundingMetric',
    'PresenceMetric',
]
