"""Our own form: one JSON object a line, with the fields of a record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdet_medglip.store.durable import replace_file

from ..question_set import QuestionSet, collect_questions
from ..record import VqaRecord
from .fields import answer_type_of, find_image, json_lines, text_of

__all__ = ['read_lines', 'write_lines']

_FIELDS = (
    'question_id',
    'image_id',
    'image_path',
    'question',
    'answer',
    'answer_type',
    'patient_id',
)


def read_lines(
    path: Path, image_root: Path | None = None, *, skip_bad: bool = False
) -> QuestionSet:
    """Read questions, one JSON object a line.

    Args:
        path: File whose lines have the fields of :class:`VqaRecord`, ``image_path`` relative to the
            folder of the images or null; ``patient_id`` may be missing and is then the image.
        image_root: Folder of the images, often that of the file; None reads the questions alone.
        skip_bad: See :func:`collect_questions`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no question, has a field that is not known, or its image is missing.
    """

    def parse(row: Any) -> VqaRecord:
        image_id = text_of(row, 'image_id')
        unknown = sorted(set(row) - set(_FIELDS))
        if unknown:
            raise ValueError(f'The field {unknown[0]!r} is not known; fields are {_FIELDS}.')
        has_image = row.get('image_path') is not None
        return VqaRecord(
            question_id=text_of(row, 'question_id'),
            image_id=image_id,
            image_path=find_image(image_root, text_of(row, 'image_path')) if has_image else None,
            question=text_of(row, 'question'),
            answer=text_of(row, 'answer'),
            answer_type=answer_type_of(row),
            patient_id=text_of(row, 'patient_id') if 'patient_id' in row else image_id,
        )

    return collect_questions(json_lines(path), parse, skip_bad)


def write_lines(path: Path, records: Sequence[VqaRecord], image_root: Path | None = None) -> None:
    """Write questions for :func:`read_lines`, as a whole or not at all.

    Args:
        path: File to write; its folder is made.
        records: Questions; their images lie in ``image_root``.
        image_root: Folder that image paths are written relative to; None is the folder of the file.

    Raises:
        ValueError: An image lies outside the folder.
        OSError: The file cannot be written.
    """
    root = (image_root or path.parent).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(_line(record, root), ensure_ascii=False) + '\n' for record in records]
    replace_file(path, ''.join(lines).encode())


def _line(record: VqaRecord, root: Path) -> Mapping[str, Any]:
    image = record.image_path
    if image is not None and not image.resolve().is_relative_to(root):
        raise ValueError(
            f'The image {image} of question {record.question_id!r} lies outside {root}; pass the '
            'folder that holds all images as image_root.'
        )
    relative = None if image is None else image.resolve().relative_to(root).as_posix()
    return {name: relative if name == 'image_path' else getattr(record, name) for name in _FIELDS}
