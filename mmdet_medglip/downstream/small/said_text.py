"""What a small model said, as lines of a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmdet_medglip.store.durable import replace_file

__all__ = ['said_lines', 'write_lines']


def said_lines(sample: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one line for each request of a sample.

    Args:
        sample: With ``texts``, ``answers``, ``region_words`` and ``regions``, as
            :class:`RegionTextModel` leaves it.

    Returns:
        Lines with ``id, image_id, patient_id, type, request, truth, answer`` and ``evidence``, the
        regions that the model was given, with boxes in pixels of the original image.
    """
    regions = sample['regions']
    scale = [*sample['scale_factor'], *sample['scale_factor']]
    evidence = [
        {
            'label': word,
            'box': [round(float(v) / s, 1) for v, s in zip(box, scale, strict=True)],
            'score': round(float(score), 4),
        }
        for word, box, score in zip(
            sample['region_words'], regions['bboxes'], regions['scores'], strict=True
        )
    ]
    return [
        {
            'id': text.text_id,
            'image_id': text.image_id,
            'patient_id': text.patient_id,
            'type': text.answer_type,
            'request': text.request,
            'truth': text.answer,
            'answer': answer,
            'evidence': evidence,
        }
        for text, answer in zip(sample['texts'], sample['answers'], strict=True)
    ]


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]], id_key: str) -> None:
    """Write lines as jsonl, sorted by their id, which is called ``id_key`` in the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ''.join(
        json.dumps({id_key: line['id'], **{k: v for k, v in line.items() if k != 'id'}}) + '\n'
        for line in sorted(lines, key=lambda line: line['id'])
    )
    replace_file(path, text.encode())
