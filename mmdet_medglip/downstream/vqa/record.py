"""One question about one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ['ANSWER_TYPES', 'VqaRecord']

ANSWER_TYPES = ('closed', 'open')


@dataclass(frozen=True)
class VqaRecord:
    """One question about one image, with its true answer.

    Attributes:
        question_id: Unique name of the question within a set.
        image_id: Names the image; questions about one image share it.
        image_path: The image file; None where the set came without images.
        question: The question, not empty.
        answer: The true answer, not empty.
        answer_type: ``closed`` where the answer is one of a few, mostly yes or no; else ``open``.
        patient_id: Whose image it is; where that is not known, a name for the image.

    Raises:
        ValueError: A field is empty or of another type.

    Example:
        >>> VqaRecord('1', 'a', None, 'Is this an MRI?', 'no', 'closed', 'p1').answer
        'no'
    """

    question_id: str
    image_id: str
    image_path: Path | None
    question: str
    answer: str
    answer_type: str
    patient_id: str

    def __post_init__(self) -> None:
        for name in ('question_id', 'image_id', 'question', 'answer', 'patient_id'):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise ValueError(f'{name} must be text, got {type(value).__name__} {value!r:.80}.')
            if not value.strip():
                raise ValueError(f'{name} is empty; give it, or leave the question out.')
        if self.answer_type not in ANSWER_TYPES:
            raise ValueError(
                f'answer_type must be one of {", ".join(ANSWER_TYPES)}, got {self.answer_type!r}.'
            )
        if self.image_path is not None:
            object.__setattr__(self, 'image_path', Path(self.image_path))
