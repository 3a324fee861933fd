"""From a record to the dict that MMDetection's transforms work on."""

from pathlib import Path
from typing import Any

from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.text import prompt_from_phrases

from .vocabulary import Vocabulary

__all__ = ['PREFERENCES', 'record_info']

PREFERENCES = ('phrases', 'labels')
"""How a record that has both labels and grounded phrases is used."""


def record_info(
    record: Record, image_root: Path, vocabulary: Vocabulary, *, masks: bool, prefer: str
) -> dict[str, Any]:
    """Describe one record for the pipeline.

    A record is a grounding record (``dataset_mode='VG'``) if its caption names a region, or if a
    region has words but no label (the caption is then ``'phrase. phrase'``); otherwise, and where
    labels are preferred and present, it is a detection record (``'OD'``). Regions that do not
    belong to the chosen kind or to the vocabulary are left out.

    Args:
        record: The record.
        image_root: Folder that its image path is relative to.
        vocabulary: Labels of the data set.
        masks: Whether instances carry their mask.
        prefer: ``'phrases'`` or ``'labels'``.

    Returns:
        ``img_path, img_id, height, width, modality, body_region, source, patient_id, spacing_mm,
        rescale_slope, rescale_intercept, rescale_type, caption, dataset_mode, vocabulary`` and
        ``instances``, each ``dict(bbox, bbox_label, ignore_flag)`` with ``mask`` on request. A VG
        record also has ``phrases`` and ``tokens_positive``, a list of spans for each phrase.

    Raises:
        ValueError: If masks are wanted and an instance has none.
    """
    info: dict[str, Any] = {
        'img_path': str(image_root / record.image_path),
        'img_id': record.image_id,
        'dataset_mode': 'OD',
        'vocabulary': vocabulary,
    }
    for name in _COPIED:
        info[name] = getattr(record, name)
    labelled = any(instance.label is not None for instance in record.instances)
    if not (prefer == 'labels' and labelled):
        info.update(_grounding(record))
    if info['dataset_mode'] == 'VG':
        pairs = info.pop('pairs')
    else:
        position = vocabulary.position
        pairs = [
            (i, position[i.label]) for i in record.instances if i.label and i.label in position
        ]
    info['instances'] = [_instance_info(instance, label) for instance, label in pairs]
    if masks:
        for target, (instance, _) in zip(info['instances'], pairs, strict=True):
            target['mask'] = _mask(record, instance)
    return info


_COPIED = (
    'height',
    'width',
    'modality',
    'body_region',
    'source',
    'patient_id',
    'spacing_mm',
    'rescale_slope',
    'rescale_intercept',
    'rescale_type',
    'caption',
)


def _grounding(record: Record) -> dict[str, Any]:
    """Return what makes a record a grounding record, or nothing if it is none."""
    named = [i for i in record.instances if i.tokens_positive]
    if named:
        spans = list(dict.fromkeys(i.tokens_positive for i in named))
        caption = record.caption or ''
        phrases = [' / '.join(caption[start:end] for start, end in of_one) for of_one in spans]
        pairs = [(i, spans.index(i.tokens_positive)) for i in named]
        return _grounding_info(caption, phrases, spans, pairs)
    worded = [i for i in record.instances if i.label is None and i.phrase]
    if not worded:
        return {}
    distinct = list(dict.fromkeys(str(i.phrase) for i in worded))
    prompt = prompt_from_phrases(distinct)
    pairs = [(i, distinct.index(str(i.phrase))) for i in worded]
    return _grounding_info(prompt.caption, list(prompt.phrases), list(prompt.spans), pairs)


def _grounding_info(
    caption: str,
    phrases: list[str],
    spans: list[tuple[tuple[int, int], ...]],
    pairs: list[tuple[Instance, int]],
) -> dict[str, Any]:
    return {
        'dataset_mode': 'VG',
        'caption': caption,
        'phrases': phrases,
        'tokens_positive': [[list(span) for span in of_one] for of_one in spans],
        'pairs': pairs,
    }


def _instance_info(instance: Instance, label: int) -> dict[str, Any]:
    return {
        'bbox': list(instance.bbox),
        'bbox_label': label,
        'ignore_flag': int(instance.is_crowd),
    }


def _mask(record: Record, instance: Instance) -> dict[str, Any]:
    if instance.mask is None:
        raise ValueError(
            f'Record {record.image_id!r} has an instance without mask (label {instance.label!r}): '
            'use masks=False, or select labels and modalities that have masks.'
        )
    return dict(instance.mask)
