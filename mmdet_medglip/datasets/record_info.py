"""From a record to the dict that MMDetection's transforms work on."""

from pathlib import Path
from typing import Any

from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.structures.run_lengths import checked_runs
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
        ``img_path, img_id, height, width, modality, body_region, view, source, patient_id,
        series_id, slice_index, spacing_mm, rescale_slope, rescale_intercept, rescale_type, window,
        caption, dataset_mode, vocabulary`` and ``instances``, each ``dict(bbox, bbox_label,
        ignore_flag, label)`` with ``mask`` on request, and ``volume_instance_id`` where the record
        has one; ``label`` is the record's own label id, whatever level is asked for. A VG record
        also has ``phrases`` and ``tokens_positive``, a list of spans for each phrase.

    Raises:
        ValueError: If masks are wanted and an instance has none.
    """
    info: dict[str, Any] = {
        'img_path': str(image_root / record.image_path),
        'img_id': record.image_id,
        'dataset_mode': 'OD',
        'vocabulary': vocabulary,
        'height': record.height,
        'width': record.width,
        'modality': record.modality,
        'body_region': record.body_region,
        'view': record.view,
        'source': record.source,
        'patient_id': record.patient_id,
        'series_id': record.series_id,
        'slice_index': record.slice_index,
        'spacing_mm': record.spacing_mm,
        'rescale_slope': record.rescale_slope,
        'rescale_intercept': record.rescale_intercept,
        'rescale_type': record.rescale_type,
        'window': record.window,
        'caption': record.caption,
    }
    detect = prefer == 'labels' and any(i.label is not None for i in record.instances)
    pairs = None if detect else _grounding(record, info)
    if pairs is None:
        position = vocabulary.position
        pairs = [(i, position[i.label]) for i in record.instances if i.label in position]
    info['instances'] = [
        {
            'bbox': list(i.bbox),
            'bbox_label': position,
            'ignore_flag': int(i.is_crowd),
            'label': i.label,
        }
        for i, position in pairs
    ]
    for target, (instance, _) in zip(info['instances'], pairs, strict=True):
        if instance.volume_instance_id is not None:
            target['volume_instance_id'] = instance.volume_instance_id
    if masks:
        for target, (instance, _) in zip(info['instances'], pairs, strict=True):
            target['mask'] = _mask(record, instance)
    return info


def _grounding(record: Record, info: dict[str, Any]) -> list[tuple[Instance, int]] | None:
    """Make ``info`` that of a grounding record; None if the record is none.

    Returns:
        The regions that are grounded, and the phrase of each.
    """
    named = [i for i in record.instances if i.tokens_positive]
    if named:
        spans = list(dict.fromkeys(i.tokens_positive for i in named))
        caption = record.caption or ''
        phrases = [' / '.join(caption[start:end] for start, end in of_one) for of_one in spans]
        pairs = [(i, spans.index(i.tokens_positive)) for i in named]
        info.update(_grounding_info(caption, phrases, spans))
        return pairs
    worded = [i for i in record.instances if i.label is None and i.phrase]
    if not worded:
        return None
    distinct = list(dict.fromkeys(str(i.phrase) for i in worded))
    prompt = prompt_from_phrases(distinct)
    pairs = [(i, distinct.index(str(i.phrase))) for i in worded]
    info.update(_grounding_info(prompt.caption, list(prompt.phrases), list(prompt.spans)))
    return pairs


def _grounding_info(
    caption: str,
    phrases: list[str],
    spans: list[tuple[tuple[int, int], ...]],
) -> dict[str, Any]:
    return {
        'dataset_mode': 'VG',
        'caption': caption,
        'phrases': phrases,
        'tokens_positive': [[list(span) for span in of_one] for of_one in spans],
    }


def _mask(record: Record, instance: Instance) -> dict[str, Any]:
    if instance.mask is None:
        raise ValueError(
            f'Record {record.image_id!r} has an instance without mask (label {instance.label!r}): '
            'use masks=False, or select labels and modalities that have masks.'
        )
    try:
        checked_runs(instance.mask)
    except ValueError as error:
        raise ValueError(f'Record {record.image_id!r}: mask: {error}.') from None
    return dict(instance.mask)
