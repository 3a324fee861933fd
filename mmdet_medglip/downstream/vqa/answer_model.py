"""What a model must do to be asked: the seam between runs and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..regions import ImageRegions

__all__ = ['AnswerModel', 'ModelInput', 'build_prompt']


@dataclass(frozen=True, eq=False)
class ModelInput:
    """One question as a model gets it.

    A model of words takes ``prompt`` and ``pictures``; one that takes regions as tokens takes
    ``question``, the first picture and ``regions``.

    Attributes:
        question_id: Names the question.
        question: The question alone.
        prompt: All text: what is said of the regions, the question, and an instruction.
        pictures: uint8 [H, W, 3] each, at least one, the image first.
        regions: Regions of the image; None without context.
        image_id: Names the image.
    """

    question_id: str
    question: str
    prompt: str
    pictures: tuple[npt.NDArray[np.uint8], ...]
    regions: ImageRegions | None
    image_id: str = ''


class AnswerModel(Protocol):
    """Anything that answers questions about images.

    Attributes:
        name: As it is written with each answer.
        fingerprint: Changes with all that its answers depend on, such as weights and options.
    """

    name: str
    fingerprint: str

    def answer(self, inputs: Sequence[ModelInput]) -> list[str]:
        """Answer a batch, one text for each input in its order."""
        ...


def build_prompt(question: str, context: str = '', instruction: str = '') -> str:
    r"""Put context, question and instruction below each other; empty ones are left out.

    Example:
        >>> build_prompt('Is there a lesion?', instruction='Answer in one word.')
        'Is there a lesion?\nAnswer in one word.'
    """
    return '\n'.join(part for part in (context, question, instruction) if part)
