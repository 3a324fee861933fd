"""One question that the truth answers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['AskedQuestion']


@dataclass(frozen=True)
class AskedQuestion:
    """A question of one image with its answer.

    Attributes:
        question_id: Image, kind and label, which no two questions have in common.
        image_id: Image that it is about.
        patient_id: Whose image it is.
        source: Data set of the image: patients of two sources are two.
        split: Of the image.
        modality: Of the image.
        kind: What is asked for, one of :data:`~.kinds.KINDS`.
        label: Label id that it asks for.
        question: In words.
        answer: In words.
        answer_type: ``closed`` (yes or no) or ``open``.
        choice: What was drawn for its words, such as a side; may be empty.
    """

    question_id: str
    image_id: str
    patient_id: str
    source: str
    split: str
    modality: str
    kind: str
    label: str
    question: str
    answer: str
    answer_type: str
    choice: str = ''
