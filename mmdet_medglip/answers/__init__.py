"""What is answered, given scored boxes: whether a phrase is there at all, and how sure that is.

Presence is pure functions of NumPy arrays and a file format; ``answers.hierarchy`` and
``answers.region_labels`` work on boxes as tensors. No model code, no registry.
"""

from .presence import (
    EVIDENCE,
    PhrasePresence,
    PresenceAnswer,
    PresenceCalibration,
    best_scores,
    box_logits,
    judge_presence,
)
from .presence_file import load_presence, save_presence
from .presence_fit import CRITERIA, PresenceExamples, choose_threshold, fit_presence

__all__ = [
    'CRITERIA',
    'EVIDENCE',
    'PhrasePresence',
    'PresenceAnswer',
    'PresenceCalibration',
    'PresenceExamples',
    'best_scores',
    'box_logits',
    'choose_threshold',
    'fit_presence',
    'judge_presence',
    'load_presence',
    'save_presence',
]
