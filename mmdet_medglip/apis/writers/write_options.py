"""What writers need to know besides the results."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmdet_medglip.dicom_out import Identity
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.volumes import LinkSettings

__all__ = ['WriteOptions']


@dataclass(frozen=True)
class WriteOptions:
    """What writers need to know besides the results.

    Attributes:
        model: Name of the model, for DICOM objects; at most 64 characters.
        weights: Name or digest of its weights; may be empty.
        identity: How much DICOM objects tell of patient and study; nothing by default.
        allow_words: Whether words that the ontology does not know may be written to DICOM objects.
        link: How boxes of slices become 3-D boxes.
        ontology: Where words are looked up; the packaged one if None.
    """

    model: str = 'medglip'
    weights: str = ''
    identity: Identity = field(default_factory=Identity)
    allow_words: bool = False
    link: LinkSettings = field(default_factory=LinkSettings)
    ontology: Ontology | None = None
