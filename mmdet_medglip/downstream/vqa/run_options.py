"""How questions are put."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from ..context import SpatialContext
from .answer_model import AnswerModel

__all__ = ['NO_CONTEXT', 'RunOptions']

NO_CONTEXT = 'none'
"""Condition of a run that gives no regions."""


@dataclass(frozen=True)
class RunOptions:
    """How questions are put.

    Attributes:
        condition: Written with each answer; ``none`` for no regions.
        context: How regions are handed over.
        instruction: Added below each question, such as 'Answer with a short phrase.'.
        batch_size: Questions asked at once, at least 1.
        stand_in: Whether made pictures take the place of missing images. Answers then say nothing
            of the model; each is marked.

    Raises:
        ValueError: The batch size is below 1 or the condition empty.
    """

    condition: str = NO_CONTEXT
    context: SpatialContext = field(default_factory=SpatialContext)
    instruction: str = ''
    batch_size: int = 8
    stand_in: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {self.batch_size}.')
        if not self.condition:
            raise ValueError('condition must not be empty.')

    def digest(self, model: AnswerModel) -> str:
        """Digest of all that answers depend on besides question, image and regions."""
        parts: list[Any] = [
            model.name,
            model.fingerprint,
            self.condition,
            self.instruction,
            self.stand_in,
        ]
        if self.condition != NO_CONTEXT:
            parts.append(self.context.settings())
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
