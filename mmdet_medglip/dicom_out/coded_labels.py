"""Labels as the codes that DICOM objects name things by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.sr.coding import Code

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.ontology.names import without_side

from .findings import Finding

__all__ = [
    'IMAGING',
    'LABEL',
    'NOTHING',
    'SCHEME',
    'SCORE',
    'WORDS',
    'CodedLabel',
    'coded_label',
    'coded_labels',
]

SCHEME = '99MEDGLIP'
"""Scheme of what no public list has a code for; '99' marks a private one (PS3.16, 8.2)."""

LABEL = Code('label', SCHEME, 'Label')
WORDS = 'words'
"""Code value of a label that is words of a prompt; they are its meaning."""

SCORE = Code('score', SCHEME, 'Detection score')
NOTHING = Code('nothing', SCHEME, 'Nothing found')
IMAGING = Code('363679005', 'SCT', 'Imaging procedure')

_LONGEST = 64
_SIDES = {
    'left': Code('7771000', 'SCT', 'Left'),
    'right': Code('24028007', 'SCT', 'Right'),
}
_STRUCTURE = Code('91723000', 'SCT', 'Anatomical Structure')
_LESION = Code('49755003', 'SCT', 'Morphologically Abnormal Structure')
_DEVICE = Code('260787004', 'SCT', 'Physical object')


@dataclass(frozen=True)
class CodedLabel:
    """A label in codes.

    Attributes:
        name: What people read, such as ``left kidney``.
        kind: Code of the structure or finding: SNOMED CT where the ontology has it, else RadLex,
            else the label itself.
        own: The label itself, in :data:`SCHEME`; what a reader of ours goes by.
        category: Whether it is anatomy, a lesion or an object.
        side: Code of the side that the label says; None if it says none.
        is_anatomy: Whether ``kind`` is a place in the body.
    """

    name: str
    kind: Code
    own: Code
    category: Code
    side: Code | None = None
    is_anatomy: bool = False


def coded_labels(
    findings: Iterable[Finding], ontology: Ontology, *, allow_words: bool = False
) -> dict[str, CodedLabel]:
    """Find the codes of the labels of findings, see :func:`coded_label`."""
    return {
        label: coded_label(label, ontology, allow_words=allow_words)
        for label in dict.fromkeys(finding.label for finding in findings)
    }


def coded_label(label: str, ontology: Ontology, *, allow_words: bool = False) -> CodedLabel:
    """Find the codes of a label.

    Args:
        label: Label id of the ontology, or other words.
        ontology: Where labels are.
        allow_words: Whether words that are no label may be written as they are.

    Raises:
        ValueError: It is no label, and words are not allowed or too long.
    """
    if label not in ontology.labels:
        if not allow_words:
            raise ValueError(
                f'{label!r} is no label of the ontology. Words of a prompt or report are only '
                'written with allow_words=True: check that they name no patient.'
            )
        if len(label) > _LONGEST:
            raise ValueError(f'Words must have at most {_LONGEST} characters, got {len(label)}.')
        own = Code(WORDS, SCHEME, label)
        return CodedLabel(label, own, own, _LESION)
    info = ontology.info(label)
    own = Code(label, SCHEME, info.name[:_LONGEST])
    # A code is that of the structure, whatever its side.
    meaning = (without_side(info.name) if info.side else info.name)[:_LONGEST]
    kind = own
    if info.codes.snomed:
        kind = Code(info.codes.snomed, 'SCT', meaning)
    elif info.codes.radlex:
        kind = Code(info.codes.radlex, 'RADLEX', meaning)
    category = _DEVICE if info.is_device else _LESION if info.is_lesion else _STRUCTURE
    return CodedLabel(
        info.name,
        kind,
        own,
        category,
        _SIDES[info.side] if info.side else None,
        is_anatomy=category is _STRUCTURE,
    )
