"""Names: modalities, and labels in the hierarchy region > class > label."""

from .entries import Attributes, BoxPolicy, Codes, GroupInfo, LabelInfo, Level
from .ontology import Ontology

__all__ = ['Attributes', 'BoxPolicy', 'Codes', 'GroupInfo', 'LabelInfo', 'Level', 'Ontology']
