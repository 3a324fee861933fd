"""Let a model write reports, with and without regions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..context import read_picture
from ..region_matching import match_regions
from ..regions import ImageRegions
from ..vqa.answer import evidence_of
from ..vqa.answer_model import AnswerModel, ModelInput, build_prompt
from ..vqa.batches import RunSummary, ask_in_batches
from ..vqa.run_options import NO_CONTEXT, RunOptions
from ..vqa.stand_in import stand_in_picture
from .generated_report import GeneratedReport
from .record import ReportRecord

__all__ = ['QUESTION', 'check_generation', 'generate_reports']

QUESTION = 'Write the findings section of the radiology report of this study.'
"""What a model is asked where nothing else is given."""

_STAND_IN = (224, 224)


def generate_reports(
    records: Sequence[ReportRecord],
    model: AnswerModel,
    out: str | Path,
    options: RunOptions | None = None,
    regions: Mapping[str, ImageRegions] | None = None,
    *,
    question: str = QUESTION,
    max_images: int = 1,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunSummary:
    """Let a model write all reports, one line each, in their order.

    Batches, resuming and the cache are those of questions, see
    :func:`..vqa.batches.ask_in_batches`. A model that takes regions as tokens gets those of the
    first image.

    Args:
        records: The reports; their text is not looked at. At least one, of different ids.
        model: Writes them.
        out: File of lines, ``.jsonl``, see :class:`GeneratedReport`.
        options: How the model is asked; None has the defaults.
        regions: Regions by image id; needed unless the condition is ``none``, which takes none.
        question: What is asked.
        max_images: At most so many images of a report, the first ones that have a file.
        cache: File of answers, shared between runs; None for none.
        progress: Called after each batch with the number done and of all.

    Raises:
        ValueError: Reports, regions and options do not fit, or the file is of another run.
        FileNotFoundError: A report has no image file.
        BlockingIOError: Another program writes the file or the cache.
    """
    options = options or RunOptions()
    if not question.strip():
        raise ValueError('question must not be empty.')
    regions = check_generation(records, options, regions, max_images)
    used = [_images(record, options, max_images) for record in records]
    parts = [options.digest(model), question, max_images]
    settings = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def draft(number: int) -> GeneratedReport:
        images = used[number]
        found = {name: regions[name] for name, _ in images} if regions is not None else {}
        return GeneratedReport(
            report_id=records[number].report_id,
            image_ids=tuple(name for name, _ in images),
            text='',
            context=_describe(options, list(found.values())),
            evidence={name: evidence_of(one) for name, one in found.items()},
            model=model.name,
            condition=options.condition,
            settings=settings,
            picture='file' if all(path for _, path in images) else 'stand-in',
        )

    def check(number: int, row: Mapping[str, Any], where: str) -> None:
        found = GeneratedReport.from_line(row, where)
        expected = replace(draft(number), text=found.text).to_line()
        for name, value in found.to_line().items():
            if value != expected[name]:
                raise ValueError(
                    f'{where} is of another run: its {name} is {str(value)[:60]!r}, here it would '
                    f'be {str(expected[name])[:60]!r}. Choose another file, or remove it to start '
                    'again.'
                )

    return ask_in_batches(
        len(records),
        model,
        out,
        lambda numbers: [_input(records[n], used[n], options, regions, question) for n in numbers],
        lambda number, text: replace(draft(number), text=text).to_line(),
        check,
        batch_size=options.batch_size,
        cache=cache,
        progress=progress,
    )


def check_generation(
    records: Sequence[ReportRecord],
    options: RunOptions,
    regions: Mapping[str, ImageRegions] | None,
    max_images: int = 1,
) -> dict[str, ImageRegions] | None:
    """Make sure that all reports can be written, before a model is loaded.

    Args:
        records: The reports.
        options: How the model is asked.
        regions: Regions by image id; None without.
        max_images: At most so many images of a report.

    Returns:
        The regions of the images that are used, under their ids, see :func:`match_regions`.

    Raises:
        ValueError: Reports, regions and options do not fit.
        FileNotFoundError: A report has no image file.
    """
    if not records:
        raise ValueError('There is no report to write.')
    if len({record.report_id for record in records}) != len(records):
        raise ValueError('Two reports have the same report_id; ids must be unique.')
    if (regions is None) != (options.condition == NO_CONTEXT):
        what = 'needs regions' if regions is None else 'takes no regions'
        raise ValueError(f'The condition {options.condition!r} {what}.')
    if max_images < 1:
        raise ValueError(f'max_images must be at least 1, got {max_images}.')
    if max_images > 1 and options.context.max_crops and regions is not None:
        raise ValueError('Crops are numbered within one image: max_images must be 1 with crops.')
    used = [_images(record, options, max_images) for record in records]
    if regions is None:
        return None
    return match_regions(regions, (name for images in used for name, _ in images))


def _images(
    record: ReportRecord, options: RunOptions, max_images: int
) -> list[tuple[str, Path | None]]:
    """Return the images that a model is given, those with a file first."""
    images = list(zip(record.image_ids, record.image_paths, strict=True))
    found: list[tuple[str, Path | None]] = [one for one in images if one[1] and one[1].is_file()]
    if not found and options.stand_in:
        found = [(name, None) for name, _ in images]
    if not found:
        raise FileNotFoundError(
            f'Report {record.report_id!r} has no image file, its first image is '
            f'{record.image_ids[0]!r}: name the folder of the images (--images), or check the run '
            'with made pictures (--stand-in-images).'
        )
    return found[:max_images]


def _describe(options: RunOptions, regions: Sequence[ImageRegions]) -> str:
    """Say what is on each image; images are numbered if there are several."""
    said = [options.context.describe(one) for one in regions]
    if len(said) == 1:
        return said[0]
    return '\n'.join(f'Image {number}: {one}' for number, one in enumerate(said, start=1) if one)


def _input(
    record: ReportRecord,
    images: Sequence[tuple[str, Path | None]],
    options: RunOptions,
    regions: Mapping[str, ImageRegions] | None,
    question: str,
) -> ModelInput:
    found = [None if regions is None else regions[name] for name, _ in images]
    pictures: list[npt.NDArray[np.uint8]] = []
    for (name, path), one in zip(images, found, strict=True):
        size = _STAND_IN if one is None else (one.height, one.width)
        picture = stand_in_picture(name, *size) if path is None else read_picture(path)
        try:
            pictures += options.context.give(picture, one).pictures
        except ValueError as error:
            raise ValueError(f'Report {record.report_id!r}: {error}') from error
    context = _describe(options, [one for one in found if one is not None])
    return ModelInput(
        question_id=record.report_id,
        question=question,
        prompt=build_prompt(question, context, options.instruction),
        pictures=tuple(pictures),
        regions=found[0],
        image_id=images[0][0],
    )
