"""What is answered, given scored boxes; no model code.

Here is whether a phrase is there at all, and how sure that is: pure functions of NumPy arrays and a
file format, no registry, no state, no torch. Answers in the hierarchy of names (``hierarchy``), and
words for given boxes (``region_labels``), are functions of tensors in modules of their own.
"""

from .presence import (
    EVIDENCE,
    PhrasePresence,
    PresenceAnswer,
    PresenceCalibration,
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
    'box_logits',
    'choose_threshold',
    'fit_presence',
    'judge_presence',
    'load_presence',
    'save_presence',
]
