"""Names: modalities, and labels in the hierarchy region > class > label."""

from .entries import Attributes, BoxPolicy, Codes, GroupInfo, LabelInfo, Level
from .ontology import DEFAULT_LABELS, Ontology

__all__ = [
    'DEFAULT_LABELS',
    'Attributes',
    'BoxPolicy',
    'Codes',
    'GroupInfo',
    'LabelInfo',
    'Level',
    'Ontology',
]
