"""What a page asks: its JSON, checked field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmdet_medglip.apis import AnswerOptions, Question, ReadOptions, read_question
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.routing import AUTO

from .limits import Limits
from .refusal_error import RefusalError

__all__ = ['Asked']

_KEYS = frozenset(
    ('study', 'slice', 'plane', 'modality', 'window', 'prompt', 'report', 'score_thr', 'level')
)


@dataclass(frozen=True)
class Asked:
    """An image of a study, and what to say about it.

    Args:
        study: ``'upload'``, or the name of a sample.
        slice_number: Of the image in the study, from 0.
        plane: Of volumes.
        modality: Id or ``'auto'``.
        window: Name, or ``(width, level)``; None as in training.
        prompt: Words; empty to look only.
        is_report: Whether the words are a report.
        score_thr: Least score.
        level: Of the answers; None by the phrases.
    """

    study: str
    slice_number: int = 0
    plane: str = 'axial'
    modality: str = AUTO
    window: str | tuple[float, float] | None = None
    prompt: str = ''
    is_report: bool = False
    score_thr: float = 0.3
    level: str | None = None

    @classmethod
    def from_json(cls, told: Any, limits: Limits) -> Asked:
        """Check what a page sends.

        Raises:
            RefusalError: It is no object, a key is unknown, or a value of another type or too long.
        """
        if not isinstance(told, Mapping):
            raise RefusalError('The request must be a JSON object.')
        unknown = sorted(set(told) - _KEYS)
        if unknown:
            raise RefusalError(f'The request has an unknown key {unknown[0]!r:.40}.')
        prompt = _text(told, 'prompt', '')
        if len(prompt) > limits.prompt_characters:
            raise RefusalError(
                f'The prompt has {len(prompt)} characters; at most {limits.prompt_characters} are '
                'taken.'
            )
        number = told.get('slice', 0)
        if isinstance(number, bool) or not isinstance(number, int):
            raise RefusalError(f'slice must be a whole number, got {number!r:.40}.')
        level = told.get('level')
        return cls(
            study=_text(told, 'study', None),
            slice_number=number,
            plane=_text(told, 'plane', 'axial'),
            modality=_text(told, 'modality', AUTO),
            window=_window(told.get('window')),
            prompt=prompt,
            is_report=told.get('report', False) is True,
            score_thr=_number(told.get('score_thr', 0.3), 'score_thr'),
            level=None if level is None else _text(told, 'level', None),
        )

    def read_options(self, known: str) -> ReadOptions:
        """How to read the image.

        Args:
            known: Modality of the study, where the page says ``'auto'``.

        Raises:
            RefusalError: A value that is unknown.
        """
        modality = known if self.modality == AUTO else self.modality
        try:
            return ReadOptions(modality, self.window, self.plane, view=True)
        except ValueError as error:
            raise RefusalError(str(error)) from None

    def answer_options(self, *, has_levels: bool) -> AnswerOptions:
        """Which boxes to answer; a model without levels answers by the phrases.

        Raises:
            RefusalError: A value that is unknown or out of range.
        """
        if self.level not in (None, 'label', 'class', 'region'):
            raise RefusalError(f'level must be label, class or region, got {self.level!r:.40}.')
        level: Any = self.level if has_levels else None
        try:
            return AnswerOptions(self.score_thr, level=level)
        except ValueError as error:
            raise RefusalError(str(error)) from None

    def question(self, ontology: Ontology | None) -> Question:
        """What to look for.

        Args:
            ontology: Of the model; None for the packaged one.

        Raises:
            RefusalError: No phrase.
        """
        try:
            return read_question(self.prompt, report=self.is_report, ontology=ontology)
        except ValueError as error:
            raise RefusalError(str(error)) from None


def _text(told: Mapping[str, Any], key: str, default: str | None) -> str:
    value = told.get(key, default)
    if not isinstance(value, str):
        raise RefusalError(f'{key} must be a text, got {value!r:.40}.')
    return value


def _number(value: Any, key: str) -> float:
    try:
        # A whole number of JSON may be larger than any float.
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise RefusalError(f'{key} must be a number, got {value!r:.40}.')


def _window(value: Any) -> str | tuple[float, float] | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) == 2:
        width, level = (_number(one, 'window') for one in value)
        if width > 0:
            return (width, level)
    raise RefusalError(
        f'window must be a name, or [width, level] with a width above 0, got {value!r:.60}.'
    )
