"""Ask a model batch by batch, write each batch down, and go on after being killed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..line_log import LineLog
from .answer_cache import AnswerCache
from .answer_model import AnswerModel, ModelInput

__all__ = ['RunSummary', 'ask_in_batches']


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        asked: Inputs that the model was asked.
        resumed: Answers that were in the file.
        cached: Answers taken from the cache.
    """

    asked: int
    resumed: int
    cached: int


def ask_in_batches(
    total: int,
    model: AnswerModel,
    out: str | Path,
    inputs: Callable[[range], Sequence[ModelInput]],
    line: Callable[[int, str], Mapping[str, Any]],
    check: Callable[[int, Mapping[str, Any], str], None],
    *,
    batch_size: int,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunSummary:
    """Ask all inputs in their order and write one line each.

    The lines that the file holds are checked, and a batch that is not whole is asked again, so
    that batches are the same whether a run was killed or not.

    Args:
        total: Number of inputs.
        model: Answers them.
        out: File of lines, ``.jsonl``.
        inputs: Makes the inputs of some numbers.
        line: Makes the line of a number and its answer.
        check: Raises ``ValueError`` if a line that is there is not what this run would write; gets
            the number, the line and where it stands.
        batch_size: Inputs asked at once.
        cache: File of answers by all that they depend on, shared between runs; None for none.
        progress: Called after each batch with the number done and of all.

    Raises:
        ValueError: The file is of another run, or the model gave another number of answers.
        BlockingIOError: Another program writes the file or the cache.
    """
    asked = hits = 0
    with ExitStack() as stack:
        log = stack.enter_context(LineLog(out))
        known = stack.enter_context(AnswerCache(cache)) if cache is not None else None
        if len(log) > total:
            raise ValueError(
                f'{out} has {len(log)} answers, but there are {total} questions: it is of another '
                'run; choose another file.'
            )
        log.keep(len(log) // batch_size * batch_size if len(log) < total else len(log))
        resumed = len(log)
        for number in range(resumed):
            check(number, log.rows[number], f'{out}, line {number + 1}')
        for start in range(resumed, total, batch_size):
            numbers = range(start, min(start + batch_size, total))
            batch = inputs(numbers)
            texts = [known.get(model, one) if known else None for one in batch]
            left = [row for row, text in enumerate(texts) if text is None]
            if left:
                new = model.answer([batch[row] for row in left])
                if len(new) != len(left):
                    raise ValueError(
                        f'{model.name} gave {len(new)} answers to {len(left)} questions.'
                    )
                for row, text in zip(left, new, strict=True):
                    texts[row] = text.strip()
                if known:
                    known.put(model, [(batch[row], str(texts[row])) for row in left])
            log.append([line(n, str(text)) for n, text in zip(numbers, texts, strict=True)])
            asked, hits = asked + len(left), hits + len(batch) - len(left)
            if progress is not None:
                progress(numbers[-1] + 1, total)
    return RunSummary(asked, resumed, hits)
