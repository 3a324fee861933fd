"""VQA-RAD, and sets in its layout, such as VQA-Med 2019 as MEVF has it.

Lau et al., A dataset of clinically generated visual questions and answers about radiology images,
Scientific Data 2018. A JSON list of objects with ``qid``, ``image_name``, ``question``, ``answer``
and ``answer_type`` (OPEN or CLOSED); the original has more, of which ``phrase_type`` says which
questions are for testing (those that begin with ``test``) and ``image_case_url`` whose image it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..question_set import NotAsked, QuestionSet, collect_questions
from ..record import VqaRecord
from .fields import answer_type_of, find_image, json_list, text_of

__all__ = ['read_vqa_rad']


def read_vqa_rad(
    path: Path, image_root: Path | None = None, *, split: str | None = None, skip_bad: bool = False
) -> QuestionSet:
    """Read questions in the VQA-RAD layout.

    Args:
        path: The JSON file.
        image_root: Folder of the images; None reads the questions alone.
        split: ``test`` or ``train`` of the original's one file, by ``phrase_type``; None takes all.
        skip_bad: See :func:`collect_questions`.

    Returns:
        The questions. The image is its file name without ending; the patient is the case that the
        image is from, else the image.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no JSON list, a question is bad, or the split is another word.
    """
    if split not in (None, 'train', 'test'):
        raise ValueError(f"A VQA-RAD file has the splits 'train' and 'test', got {split!r}.")

    def parse(row: Any) -> VqaRecord:
        image_name = text_of(row, 'image_name')
        if split is not None:
            is_test = text_of(row, 'phrase_type').lower().startswith('test')
            if is_test != (split == 'test'):
                raise NotAsked(f'not of split {split!r}')
        image_id = Path(image_name).stem
        return VqaRecord(
            question_id=text_of(row, 'qid'),
            image_id=image_id,
            image_path=find_image(image_root, image_name),
            question=text_of(row, 'question'),
            answer=text_of(row, 'answer'),
            answer_type=answer_type_of(row),
            patient_id=_case(row) or image_id,
        )

    return collect_questions(json_list(path), parse, skip_bad)


def _case(row: Mapping[str, Any]) -> str | None:
    url = row.get('image_case_url')
    return url.strip() or None if isinstance(url, str) else None
