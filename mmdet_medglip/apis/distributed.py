"""Answer many images in several processes or on several machines, by the engine of the ingest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmdet_medglip.ingest.engines import TaskEngine

from .inferencer import MedGLIPInferencer
from .inputs import InputItem, find_items, list_inputs
from .model_files import ModelFiles
from .options import AnswerOptions, ReadOptions
from .question import Question
from .result import Failure, GroundingResult
from .writers.picture_writer import write_picture

__all__ = ['InferenceJob', 'run_job']

_ITEMS_PER_TASK = 32


@dataclass(frozen=True)
class InferenceJob:
    """What a worker needs to know to answer any part of the inputs.

    Args:
        files: The model; its files are where the worker sees them too.
        questions: One for all inputs, or one for each.
        read: How images are read.
        answer: Which boxes are answered.
        batch_size: Images in a step.
        num_workers: Threads that read, of each process.
        device: Where to run; None for the best that the worker has.
        classifier: Checkpoint of a modality classifier.
        fallback: Modality where none is found.
        pictures: Folder that pictures are written to where images are answered; None for none.
    """

    files: ModelFiles
    questions: Question | tuple[Question, ...]
    read: ReadOptions = field(default_factory=ReadOptions)
    answer: AnswerOptions = field(default_factory=AnswerOptions)
    batch_size: int = 8
    num_workers: int = 2
    device: str | None = None
    classifier: str | None = None
    fallback: str | None = None
    pictures: str | None = None


def run_job(
    job: InferenceJob, inputs: Any, engine: TaskEngine, exclude: Sequence[Path] = ()
) -> Iterator[GroundingResult | Failure]:
    """Answer inputs on the workers of an engine.

    A series or volume is answered by one worker. With several workers results come as they are
    done; those of one series stay together and in order.

    Args:
        job: The model and the options.
        inputs: As of :class:`MedGLIPInferencer`, paths that all workers see, or images in memory.
        engine: Where to run; with its kind ``'serial'`` in this process.
        exclude: Folders that are passed over, see :func:`find_items`.

    Yields:
        Results without views, and failures.

    Raises:
        ValueError: A prompt or an option is wrong.
        WorkerDiedError: A worker died.
    """
    given = list_inputs(inputs)
    tasks = ((job, tuple(part)) for part in _parts(find_items(given, exclude)))
    for part in engine.run(_answer_part, tasks):
        yield from part


def _parts(items: Iterable[InputItem | Failure]) -> Iterator[list[InputItem | Failure]]:
    """Parts of the work: single images together, a volume or series by itself."""
    part: list[InputItem | Failure] = []
    for item in items:
        if isinstance(item, InputItem) and item.kind in ('series', 'volume'):
            yield [item]
            continue
        part.append(item)
        if len(part) == _ITEMS_PER_TASK:
            yield part
            part = []
    if part:
        yield part


_KEPT: dict[str, MedGLIPInferencer] = {}
"""The model of a worker process, by what it was made of."""


def _inferencer(job: InferenceJob) -> MedGLIPInferencer:
    key = repr((job.files, job.device, job.classifier, job.fallback))
    if key not in _KEPT:
        _KEPT.clear()
        config, weights = job.files.read()
        _KEPT[key] = MedGLIPInferencer(
            config,
            weights,
            job.device,
            classifier=job.classifier,
            fallback=job.fallback,
            show_progress=False,
        )
    return _KEPT[key]


def _answer_part(
    job: InferenceJob, items: Sequence[InputItem | Failure]
) -> list[GroundingResult | Failure]:
    """Answer a part; in a worker, which keeps the model for the next one."""
    inferencer = _inferencer(job)
    found: list[GroundingResult | Failure] = []
    for one in inferencer.stream_items(
        items,
        job.questions,
        replace(job.read, view=job.pictures is not None),
        job.answer,
        batch_size=job.batch_size,
        num_workers=job.num_workers,
    ):
        if isinstance(one, GroundingResult) and job.pictures is not None:
            write_picture(Path(job.pictures), one)
            one = replace(one, view=None)
        found.append(one)
    return found
