"""Names: modalities, and labels in the hierarchy region > class > label."""

from .ontology import LabelInfo, Ontology

__all__ = ['LabelInfo', 'Ontology']
