"""Answers by all that they depend on, shared between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ..line_log import LineLog
from .answer_model import AnswerModel, ModelInput

__all__ = ['AnswerCache']


class AnswerCache:
    """A file of answers that a model has given before.

    The key is a digest of the model's name and fingerprint, the prompt, the pixels of all pictures,
    and the regions. Two conditions that hand a model the same input share its answer. A long answer
    takes a few hundred bytes; the file is read into memory.

    Args:
        path: File of JSON lines ``{"key": ..., "answer": ...}``.

    Raises:
        BlockingIOError: Another program has it open.
        ValueError: A line is no such object.
    """

    def __init__(self, path: str | Path) -> None:
        self._log = LineLog(path)
        self._answers: dict[str, str] = {}
        for number, row in enumerate(self._log.rows, start=1):
            key, answer = row.get('key'), row.get('answer')
            if not isinstance(key, str) or not isinstance(answer, str):
                self._log.__exit__(None, None, None)
                raise ValueError(
                    f'{path}, line {number} has no key and answer; is it a cache? Remove it, or '
                    'name another file.'
                )
            self._answers[key] = answer

    def __enter__(self) -> AnswerCache:
        """Return the cache."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._log.__exit__(kind, error, trace)

    def get(self, model: AnswerModel, given: ModelInput) -> str | None:
        """Return the answer to an input; None if it was not asked."""
        return self._answers.get(_key(model, given))

    def put(self, model: AnswerModel, answers: Sequence[tuple[ModelInput, str]]) -> None:
        """Keep answers, on the disk too."""
        rows = [{'key': _key(model, given), 'answer': answer} for given, answer in answers]
        self._log.append(rows)
        self._answers |= {row['key']: row['answer'] for row in rows}


def _key(model: AnswerModel, given: ModelInput) -> str:
    digest = hashlib.sha256()
    parts = [model.name, model.fingerprint, given.question, given.prompt]
    regions = given.regions
    if regions is not None:
        parts += [*regions.labels, str(regions.height), str(regions.width), regions.modality]
    for part in parts:
        digest.update(f'{len(part)}:{part}'.encode())
    for picture in given.pictures:
        digest.update(str(picture.shape).encode())
        digest.update(picture.tobytes())
    if regions is not None:
        digest.update(regions.boxes.tobytes())
        digest.update(regions.scores.tobytes())
    return digest.hexdigest()
