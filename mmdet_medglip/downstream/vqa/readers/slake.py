"""SLAKE: Liu et al., A semantically-labeled knowledge-enhanced dataset, ISBI 2021.

A JSON list of objects with ``qid``, ``img_name`` (``xmlab1/source.jpg``, below ``imgs``), ``question``,
``answer``, ``answer_type`` (OPEN or CLOSED) and ``q_lang`` (en or zh).
"""  # noqa: E501

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ..question_set import NotAsked, QuestionSet, collect_questions
from ..record import VqaRecord
from .fields import answer_type_of, find_image, json_list, text_of

__all__ = ['read_slake']


def read_slake(
    path: Path,
    image_root: Path | None = None,
    *,
    language: str | None = 'en',
    skip_bad: bool = False,
) -> QuestionSet:
    """Read the questions of SLAKE.

    Args:
        path: ``train.json``, ``validate.json`` or ``test.json``.
        image_root: The folder ``imgs``; None reads the questions alone.
        language: Of the questions: ``en``, as LLaVA-Med takes them, ``zh``, or None for both.
        skip_bad: See :func:`collect_questions`.

    Returns:
        The questions. The image is its folder, such as ``xmlab1``, which stands for the patient
        too: the set does not say whose images are one patient's.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no JSON list, or a question is bad.
    """

    def parse(row: Any) -> VqaRecord:
        if language is not None and text_of(row, 'q_lang') != language:
            raise NotAsked(f'not in language {language!r}')
        image_name = text_of(row, 'img_name')
        place = PurePosixPath(image_name)
        image_id = place.parent.name or place.stem
        return VqaRecord(
            question_id=text_of(row, 'qid'),
            image_id=image_id,
            image_path=find_image(image_root, image_name),
            question=text_of(row, 'question'),
            answer=text_of(row, 'answer'),
            answer_type=answer_type_of(row),
            patient_id=image_id,
        )

    return collect_questions(json_list(path), parse, skip_bad)
