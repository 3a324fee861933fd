"""Answers in the hierarchy region > class > label: consistent, at one level, or as far as sure.

All functions take the boxes of one image as an ``InstanceData`` with ``bboxes`` (n, 4) xyxy, half
open, ``scores`` (n,) in [0, 1] and ``labels`` (n,), entries of a :class:`Family`, and return new
ones; n may be 0.
"""

from .back_off import BackOff, back_off
from .confidence import COMBINATIONS, Combination, confidences
from .consistency import WAYS, Way, inconsistent_pairs, make_consistent
from .family import LEVELS, RIVALRIES, Family, Rivalry, family_of, levels_of, node_of
from .levels import answer_at
from .rule import HierarchyRule, Suppression, split_answers
from .suppression import (
    NESTED,
    Nested,
    best_first,
    drop_doubles,
    drop_nested,
    drop_rivals,
)

__all__ = [
    'COMBINATIONS',
    'LEVELS',
    'NESTED',
    'RIVALRIES',
    'WAYS',
    'BackOff',
    'Combination',
    'Family',
    'HierarchyRule',
    'Nested',
    'Rivalry',
    'Suppression',
    'Way',
    'answer_at',
    'back_off',
    'best_first',
    'confidences',
    'drop_doubles',
    'drop_nested',
    'drop_rivals',
    'family_of',
    'inconsistent_pairs',
    'levels_of',
    'make_consistent',
    'node_of',
    'split_answers',
]
