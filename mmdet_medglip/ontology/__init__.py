"""Names: modalities, and labels in the hierarchy region > class > label."""

from .entries import BoxPolicy, Codes, GroupInfo, LabelInfo
from .ontology import Ontology

__all__ = ['BoxPolicy', 'Codes', 'GroupInfo', 'LabelInfo', 'Ontology']
