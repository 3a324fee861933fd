"""Sentences for records, with the characters that name each region.

A span is ``(start, end)`` in characters of the caption, half open. It covers the noun phrase of a
label without article and number: ``two [liver lesions] and the [left kidney]``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.structures import Instance, Record

from .noun_phrases import Mention, indefinite_article, mention

__all__ = ['Caption', 'caption_of', 'with_caption']

Span = tuple[int, int]
_Template = TypeVar('_Template')

_IMAGE_WORDS: Mapping[str, str] = {
    'ct': 'CT image',
    'mri': 'MR image',
    'xray': 'X-ray image',
    'ultrasound': 'ultrasound image',
    'endoscopy': 'endoscopic image',
    'dermoscopy': 'dermoscopic image',
    'fundus': 'fundus photograph',
}
_PLANES = ('axial', 'coronal', 'sagittal')
_SLICE_WORDS: Mapping[str, str] = {'ct': 'CT slice', 'mri': 'MR slice'}
_TEMPLATES = (
    ('{An} {image} showing ', '.'),
    ('{An} {image} with ', '.'),
    ('This {image} shows ', '.'),
    ('Visible in this {image}: ', '.'),
)
_NEGATIVE_TEMPLATES = (
    '{An} {image} with no annotated finding.',
    'This is {an} {image} with no annotated finding.',
)
_UNNAMED = 'region'


@dataclass(frozen=True)
class Caption:
    """A sentence about a record.

    Args:
        text: The sentence.
        spans: For each instance of the record, in its order, the spans that name it: one each.
    """

    text: str
    spans: tuple[tuple[Span, ...], ...]


def caption_of(record: Record, ontology: Ontology | None = None) -> Caption:
    """Describe a record: modality, view, body region, then its regions grouped by label.

    The wording depends on the record alone: the hash of its ``image_id`` chooses the template. A
    region without label goes by its own phrase; a record without regions has no spans.

    Args:
        record: The record; a caption of its own is not looked at.
        ontology: Names of the labels; the packaged one if None.

    Returns:
        The sentence and its spans.

    Raises:
        ValueError: If a label is not of the ontology.

    Example:
        >>> boxes = [Instance((0, 0, 2, 2), 'liver_lesion'), Instance((3, 3, 5, 5), 'liver_lesion')]
        >>> record = Record('a', 8, 8, 'ct', 's', 'p', instances=boxes, body_region='abdomen')
        >>> caption = caption_of(record)
        >>> start, end = caption.spans[0][0]
        >>> caption.text[start:end]
        'liver lesions'
    """
    ontology = ontology or Ontology.default()
    image = _image_words(record)
    words = {'image': image, 'an': indefinite_article(image)}
    words['An'] = words['an'].capitalize()
    if not record.instances:
        return Caption(_choose(record, _NEGATIVE_TEMPLATES).format(**words), ())
    before, after = _choose(record, _TEMPLATES)
    text = before.format(**words)
    spans: list[tuple[Span, ...]] = [()] * len(record.instances)
    groups = _groups(record.instances)
    for number, (key, members) in enumerate(groups.items()):
        named = _mention(key, [record.instances[i] for i in members], ontology)
        text += _joint(number, len(groups)) + named.lead
        span = (len(text), len(text) + len(named.noun))
        text += named.noun
        for member in members:
            spans[member] = (span,)
    return Caption(text + after, tuple(spans))


def with_caption(record: Record, ontology: Ontology | None = None) -> Record:
    """Give a record a caption that names its regions, if it has no caption of its own.

    Args:
        record: The record.
        ontology: Names of the labels; the packaged one if None.

    Returns:
        The record itself if it has a caption, otherwise one with ``caption`` and, in every
        instance, ``tokens_positive``.

    Raises:
        ValueError: If a label is not of the ontology.
    """
    if record.caption is not None:
        return record
    caption = caption_of(record, ontology)
    instances = tuple(
        replace(instance, tokens_positive=spans)
        for instance, spans in zip(record.instances, caption.spans, strict=True)
    )
    return replace(record, caption=caption.text, instances=instances)


def _choose(record: Record, templates: Sequence[_Template]) -> _Template:
    digest = hashlib.sha256(record.image_id.encode('utf-8', 'surrogatepass')).digest()
    return templates[int.from_bytes(digest[:8], 'big') % len(templates)]


def _image_words(record: Record) -> str:
    """Return words such as ``axial CT slice of the abdomen``."""
    view = _plain(record.view)
    words = _IMAGE_WORDS.get(record.modality, f'{record.modality} image')
    if view.casefold() in _PLANES:
        words = _SLICE_WORDS.get(record.modality, words)
    region = _plain(record.body_region).replace('_', ' ')
    return f'{view} {words}'.strip() + (f' of the {region}' if region else '')


def _plain(text: str | None) -> str:
    """Bring text of a source to one line."""
    return ' '.join((text or '').split())


def _groups(instances: Sequence[Instance]) -> dict[tuple[str, str], list[int]]:
    """Group the positions of instances by label, or by phrase where there is none."""
    groups: dict[tuple[str, str], list[int]] = {}
    for position, instance in enumerate(instances):
        if instance.label is not None:
            key = ('label', instance.label)
        else:
            key = ('phrase', _plain(instance.phrase))
        groups.setdefault(key, []).append(position)
    return groups


def _mention(key: tuple[str, str], members: Sequence[Instance], ontology: Ontology) -> Mention:
    kind, name = key
    crowd = any(member.is_crowd for member in members)
    if kind == 'label':
        info = ontology.info(name)
        whole = info.box_policy == 'single'
        body = not info.is_lesion and not info.is_device
        anatomy = body and (whole or len(members) == 1)
        number = len(members)
        return mention(
            info.name, number, anatomy=anatomy, whole=whole, crowd=crowd, plural_name=info.plural
        )
    if name:
        return Mention('', name)
    return mention(_UNNAMED, len(members), anatomy=False, whole=False, crowd=crowd)


def _joint(number: int, total: int) -> str:
    if number == 0:
        return ''
    return ' and ' if number == total - 1 else ', '
