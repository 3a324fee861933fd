"""Ask a model all questions, and write down what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..context import GivenContext, read_picture
from ..region_matching import match_regions
from ..regions import ImageRegions
from .answer import VqaAnswer, evidence_of
from .answer_model import AnswerModel, ModelInput, build_prompt
from .batches import RunSummary, ask_in_batches
from .record import VqaRecord
from .run_options import NO_CONTEXT, RunOptions
from .stand_in import stand_in_picture

__all__ = ['RunSummary', 'answer_questions', 'check_run']


def answer_questions(
    records: Sequence[VqaRecord],
    model: AnswerModel,
    out: str | Path,
    options: RunOptions | None = None,
    regions: Mapping[str, ImageRegions] | None = None,
    *,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunSummary:
    """Ask all questions and write one line an answer, in the order of the questions.

    A run that was killed goes on where it stopped if it is started again with the same file: at
    most the batch in flight is asked again. What the file holds is compared with what this run
    would write, so that no file mixes two runs.

    Args:
        records: Questions, at least one, of different ids.
        model: Answers them.
        out: File of answers, ``.jsonl``; lines are :class:`VqaAnswer`.
        options: How questions are put; None has the defaults.
        regions: Regions by image id, see :func:`match_regions`; needed unless the condition is
            ``none``, which takes none.
        cache: File of answers by all that they depend on, shared between runs; None for none.
        progress: Called after each batch with the number of questions done and of all.

    Raises:
        ValueError: Questions, regions and condition do not fit, or the file is of another run.
        FileNotFoundError: An image is missing.
        BlockingIOError: Another program writes the file or the cache.
    """
    options = options or RunOptions()
    regions = check_run(records, options, regions)
    settings = options.digest(model)

    def check(number: int, row: Mapping[str, Any], where: str) -> None:
        _check_line(row, _draft(records[number], model, options, regions, settings), where)

    def line(number: int, text: str) -> dict[str, Any]:
        draft = _draft(records[number], model, options, regions, settings)
        return replace(draft, answer=text).to_line()

    return ask_in_batches(
        len(records),
        model,
        out,
        lambda numbers: _inputs([records[number] for number in numbers], options, regions),
        line,
        check,
        batch_size=options.batch_size,
        cache=cache,
        progress=progress,
    )


def check_run(
    records: Sequence[VqaRecord], options: RunOptions, regions: Mapping[str, ImageRegions] | None
) -> dict[str, ImageRegions] | None:
    """Make sure that all questions can be asked, before a model is loaded.

    Args:
        records: Questions.
        options: How they are put.
        regions: Regions by image id; None without.

    Returns:
        The regions under the ids of the images, see :func:`match_regions`.

    Raises:
        ValueError: Questions, regions and condition do not fit.
        FileNotFoundError: An image is missing.
    """
    if not records:
        raise ValueError('There is no question to ask.')
    if len({record.question_id for record in records}) != len(records):
        raise ValueError('Two questions have the same question_id; ids must be unique.')
    if (regions is None) != (options.condition == NO_CONTEXT):
        what = 'needs regions' if regions is None else 'takes no regions'
        raise ValueError(f'The condition {options.condition!r} {what}.')
    missing = [record for record in records if not _has_file(record)]
    if missing and not options.stand_in:
        raise FileNotFoundError(
            f'{len(missing)} of {len(records)} questions have no image; the first is question '
            f'{missing[0].question_id!r}, image {missing[0].image_id!r}: name the folder of the '
            'images (--image-root), or check the run with made pictures (--stand-in-images).'
        )
    if regions is None:
        return None
    return match_regions(regions, (record.image_id for record in records))


def _draft(
    record: VqaRecord,
    model: AnswerModel,
    options: RunOptions,
    regions: Mapping[str, ImageRegions] | None,
    settings: str,
) -> VqaAnswer:
    """The answer of a record as it will be written, without what the model says."""
    found = None if regions is None else regions[record.image_id]
    return VqaAnswer(
        question_id=record.question_id,
        image_id=record.image_id,
        answer='',
        context=options.context.describe(found),
        evidence=evidence_of(found),
        model=model.name,
        condition=options.condition,
        settings=settings,
        picture='file' if _has_file(record) else 'stand-in',
    )


def _check_line(row: Mapping, draft: VqaAnswer, where: str) -> None:
    found = VqaAnswer.from_line(row, where)
    for name in ('question_id', 'model', 'condition', 'settings', 'context', 'evidence', 'picture'):
        if getattr(found, name) != getattr(draft, name):
            raise ValueError(
                f'{where} is of another run: its {name} is {str(getattr(found, name))[:60]!r}, '
                f'here it would be {str(getattr(draft, name))[:60]!r}. Choose another file, or '
                'remove it to ask everything again.'
            )


def _has_file(record: VqaRecord) -> bool:
    return record.image_path is not None and record.image_path.is_file()


def _inputs(
    batch: Sequence[VqaRecord],
    options: RunOptions,
    regions: Mapping[str, ImageRegions] | None,
) -> list[ModelInput]:
    given: dict[str, GivenContext] = {}
    inputs = []
    for record in batch:
        found = None if regions is None else regions[record.image_id]
        if record.image_id not in given:
            given[record.image_id] = _give(record, options, found)
        one = given[record.image_id]
        inputs.append(
            ModelInput(
                question_id=record.question_id,
                question=record.question,
                prompt=build_prompt(record.question, one.text, options.instruction),
                pictures=one.pictures,
                regions=found,
                image_id=record.image_id,
            )
        )
    return inputs


def _give(record: VqaRecord, options: RunOptions, found: ImageRegions | None) -> GivenContext:
    if record.image_path is not None and _has_file(record):
        picture = read_picture(record.image_path)
    else:
        size = (224, 224) if found is None else (found.height, found.width)
        picture = stand_in_picture(record.image_id, *size)
    try:
        return options.context.give(picture, found)
    except ValueError as error:
        raise ValueError(f'Question {record.question_id!r}: {error}') from error
