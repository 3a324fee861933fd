"""``medglip predict``: boxes for phrases in images."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from .config_options import read_options
from .text_input import read_text, text_or_input
from .usage_error import UsageError

if TYPE_CHECKING:
    from mmdet_medglip.apis import Failure, GroundingResult, ModelFiles

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'predict'
HELP = 'find phrases in images, series, volumes or folders of them'
EPILOG = """\
exit status: 0 all inputs have an answer, 1 some have none, 2 the command line is wrong.

examples:
  medglip predict configs/medglip/ct.py scan.dcm -p 'Detect: liver, spleen' --out found
  medglip predict configs/medglip/all_auto.py folder/ -p 'polyp' --json > answers.jsonl
  medglip predict models/ct series/ -p 'liver' --out found --formats json sr nifti
  medglip predict configs/medglip/ct.py ct.nii.gz --report report.txt --modality ct --window lung
"""
FORMATS = ('json', 'coco', 'csv', 'png', 'nifti', 'sr', 'gsps', 'seg')
DICOM_FORMATS = ('sr', 'gsps', 'seg')
_DEFAULT_FORMATS = ('json', 'png')
_LISTING = ('json', 'csv')
"""Formats that list what has no answer."""
_SHOWN = 20
"""Answers that are printed at most, and as many inputs without one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        'config',
        metavar='model',
        help='folder of a packed model, or config file such as configs/medglip/ct.py',
    )
    parser.add_argument(
        'inputs', nargs='+', metavar='INPUT',
        help='image, DICOM file, series folder, NIfTI or other volume, folder, or pattern',
    )  # fmt: skip
    asked = parser.add_argument_group('what to ask')
    asked.add_argument(
        '-p', '--prompt', help="list of phrases, such as 'Detect: liver, no effusion'; - reads it"
    )
    asked.add_argument('--report', type=Path, help='file of a report, whose findings are asked for')
    asked.add_argument('--level', choices=('label', 'class', 'region'), help='answer at this level')
    model = parser.add_argument_group('model')
    model.add_argument(
        '--weights', help='checkpoint; default: the newest in the work folder of the config'
    )
    model.add_argument('--device', help='such as cpu or cuda:0; default: the best there is')
    model.add_argument('--classifier', help='checkpoint of a modality classifier')
    model.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE',
        help='override entries of the config, nested by dots',
    )  # fmt: skip
    read = parser.add_argument_group('reading')
    read.add_argument('--modality', default='auto', help='of all inputs; default: find it')
    read.add_argument('--fallback', help='modality of images for which none is found')
    read.add_argument(
        '--window', help="name, such as lung or percentile, or 'WIDTH,LEVEL'; default: as trained"
    )
    read.add_argument('--plane', default='axial', choices=('axial', 'coronal', 'sagittal'))
    read.add_argument('--slice-step', type=int, default=1, help='every so many slices of volumes')
    answer = parser.add_argument_group('answers')
    answer.add_argument(
        '--score-thr', type=float, help='least score; default: that of a packed model, else 0.3'
    )
    answer.add_argument('--nms-iou', type=float, help='boxes that overlap more are one')
    answer.add_argument('--max-boxes', type=int, help='most boxes of an image')
    out = parser.add_argument_group('output')
    out.add_argument('--out', type=Path, help='folder to write')
    out.add_argument(
        '--formats', nargs='+', choices=FORMATS,
        help=f'what to write there (default: {" ".join(_DEFAULT_FORMATS)})',
    )  # fmt: skip
    out.add_argument('--json', action='store_true', help='print a line of JSON for each image')
    volumes = parser.add_argument_group('volumes and DICOM (formats nifti, sr, gsps, seg)')
    volumes.add_argument(
        '--max-gap', type=int, default=1, help='slices without a box within an object (default 1)'
    )
    volumes.add_argument(
        '--identity', choices=('removed', 'kept'), default='removed',
        help='whether DICOM objects say who the patient is (default: removed)',
    )  # fmt: skip
    volumes.add_argument(
        '--allow-words', action='store_true',
        help='write words that the ontology does not know to DICOM objects',
    )  # fmt: skip
    speed = parser.add_argument_group('speed')
    speed.add_argument('--batch-size', type=int, default=8)
    speed.add_argument('--num-workers', type=int, default=2, help='threads that read images')
    speed.add_argument(
        '--engine', choices=('serial', 'processes', 'dask'), default='serial',
        help='where to run, as in ingest (default: this process)',
    )  # fmt: skip
    speed.add_argument('--workers', type=int, help='processes of the engine (default 1)')
    speed.add_argument('--scheduler', help='address of a running Dask scheduler')
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def run(args: argparse.Namespace, console: Console) -> int:
    """Answer the inputs.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        0; 1 if an input has no answer.

    Raises:
        UsageError: A file, the prompt or an option is wrong.
        OSError: The output cannot be written.
    """
    from mmdet_medglip.apis import Failure

    try:
        found = _answers(args)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    skips: list[Failure] = []
    progress = Console(stderr=True, width=console.width)
    with progress.status('reading the model') as status:
        for one in found:
            if isinstance(one, Failure):
                counts['skipped' if one.stage == 'skip' else 'failed'] += 1
                kept = skips if one.stage == 'skip' else failures
                if len(kept) < _SHOWN:
                    kept.append(one)
            else:
                counts['images'] += 1
                counts['boxes'] += len(one.boxes)
            status.update(f'{counts["images"]} images, {counts["failed"]} failed')
            _print(one, args, console, counts)
    shown = [*failures, *skips][:_SHOWN]
    _print_end(args, progress if args.json else console, counts, shown)
    return int(counts['failed'] > 0)


def _answers(args: argparse.Namespace) -> Iterator[GroundingResult | Failure]:
    """Check the command line, and answer.

    Raises:
        OSError: A file cannot be read.
        ValueError: The prompt or an option is wrong.
    """
    from mmengine.logging import MMLogger

    from mmdet_medglip.apis import AnswerOptions, MedGLIPInferencer, ReadOptions, read_question
    from mmdet_medglip.apis.distributed import InferenceJob, run_job
    from mmdet_medglip.apis.inputs import find_items
    from mmdet_medglip.apis.model_files import packed_ontology
    from mmdet_medglip.apis.writers import WRITERS, output_folders, write_results
    from mmdet_medglip.ingest.engines import TaskEngine

    _check_options(args)
    formats = _formats(args)
    read = ReadOptions(
        modality=args.modality,
        window=_window(args.window),
        plane=args.plane,
        slice_step=args.slice_step,
        view=any(WRITERS[name].needs_view for name in formats),
    )
    answer = AnswerOptions(args.score_thr, args.nms_iou, args.max_boxes, args.level)
    MMLogger.get_current_instance().setLevel('WARNING')
    files = _files(args)
    config, weights = files.read()
    ontology = packed_ontology(config)
    text = read_text(args.report) if args.report is not None else text_or_input(args.prompt)
    question = read_question(text, report=args.report is not None, ontology=ontology)
    options = _write_options(args, config, weights, ontology)
    if set(formats) & set(DICOM_FORMATS):
        _check_words(question.phrases, options)
    written = () if args.out is None else output_folders(args.out)
    found: Iterator[GroundingResult | Failure]
    if args.engine == 'serial':
        inferencer = MedGLIPInferencer(
            config,
            weights,
            args.device,
            classifier=args.classifier,
            fallback=args.fallback,
            show_progress=False,
        )
        found = inferencer.stream_items(
            find_items(args.inputs, written),
            question,
            read,
            answer,
            batch_size=args.batch_size,
            num_workers=args.num_workers,
        )
    else:
        job = InferenceJob(
            files,
            question,
            read,
            answer,
            args.batch_size,
            args.num_workers,
            args.device,
            args.classifier,
            args.fallback,
            str(args.out) if read.view else None,
        )
        workers = 1 if args.workers is None else args.workers
        engine = TaskEngine(args.engine, workers, args.scheduler)
        found = _on_engine(run_job(job, args.inputs, engine, written), engine)
    return found if args.out is None else write_results(found, args.out, formats, options)


def _check_options(args: argparse.Namespace) -> None:
    """Refuse options that do not go together, or would do nothing."""
    if (args.prompt is None) == (args.report is None):
        raise ValueError('give either --prompt or --report.')
    if args.formats is not None and args.out is None:
        raise ValueError('--formats needs --out, the folder to write.')
    if args.workers is not None and args.engine == 'serial':
        raise ValueError('--workers needs --engine processes or dask.')
    if args.scheduler is not None and args.engine != 'dask':
        raise ValueError('--scheduler needs --engine dask.')
    if args.out is not None:
        _check_folder(args.out)


def _check_folder(out: Path) -> None:
    """Refuse a folder that cannot be made, before a model is loaded."""
    there = next((path for path in (out, *out.parents) if os.path.lexists(path)), None)
    if there is not None and not os.path.isdir(there):
        raise ValueError(f'--out {out} cannot be a folder: {there} is a file; name another one.')


def _formats(args: argparse.Namespace) -> Sequence[str]:
    """What is written."""
    return () if args.out is None else args.formats or _DEFAULT_FORMATS


def _on_engine(found: Iterator[Any], engine: Any) -> Iterator[Any]:
    with engine:
        yield from found


def _files(args: argparse.Namespace) -> ModelFiles:
    from mmdet_medglip.apis import ModelFiles

    return ModelFiles(args.config, args.weights, cfg_options=read_options(args.cfg_options))


def _write_options(args: argparse.Namespace, config: Any, weights: str, ontology: Any) -> Any:
    from mmdet_medglip.apis.model_files import model_names
    from mmdet_medglip.apis.writers import WriteOptions
    from mmdet_medglip.dicom_out import Identity
    from mmdet_medglip.volumes import LinkSettings

    model, version = model_names(args.config, config, weights)
    return WriteOptions(
        model,
        version,
        Identity(args.identity),
        args.allow_words,
        LinkSettings(max_gap=args.max_gap),
        ontology,
    )


def _check_words(phrases: tuple[str, ...], options: Any) -> None:
    """Refuse words that must not get into DICOM objects, before any image is read."""
    from mmdet_medglip.apis.writers.dicom_writer import unknown_words
    from mmdet_medglip.ontology import Ontology

    words = unknown_words(phrases, options.ontology or Ontology.default())
    if words and not options.allow_words:
        raise ValueError(
            f'{words[0]!r} is no name of the ontology; it is only written to DICOM objects with '
            '--allow-words: check that the words name no patient.'
        )


def _window(text: str | None) -> Any:
    """Read a window: a name, or width and level."""
    if text is None or ',' not in text:
        return text
    try:
        width, level = (float(part) for part in text.split(','))
    except ValueError:
        raise ValueError(
            f"--window expects a name or 'WIDTH,LEVEL' in two numbers, got {text!r}."
        ) from None
    return (width, level)


def _print(
    one: GroundingResult | Failure, args: argparse.Namespace, console: Console, counts: Counter[str]
) -> None:
    from mmdet_medglip.apis import Failure

    if args.json:
        line = json.dumps(one.to_dict(), ensure_ascii=False)
        sys.stdout.write(os.fsencode(line).decode('utf-8', 'replace') + '\n')
    elif not isinstance(one, Failure) and args.out is None and counts['images'] <= _SHOWN:
        told = ', '.join(
            f'{box.name} {box.score:.2f} ({", ".join(f"{value:.0f}" for value in box.bbox)})'
            for box in one.boxes
        )
        console.print(escape(f'{one.source.name} [{one.modality}] {told or "nothing found"}'))
        for answer in one.contradictions:
            console.print(escape(f'  said to be absent, but found: {answer.phrase}'))


def _print_end(
    args: argparse.Namespace, console: Console, counts: Counter[str], shown: list[Failure]
) -> None:
    more = counts['images'] - _SHOWN
    if more > 0 and args.out is None and not args.json:
        console.print(f'and {more} more images; --out or --json has all', highlight=False)
    for failure in shown:
        told = 'skipped' if failure.stage == 'skip' else 'no answer'
        console.print(escape(f'{told}: {failure.reason}'), soft_wrap=True)
    more = counts['failed'] + counts['skipped'] - len(shown)
    if more > 0:
        console.print(escape(f'and {more} more; {_where_all_are(args)}'), highlight=False)
    told = f'{counts["images"]} images, {counts["boxes"]} boxes, {counts["failed"]} without answer'
    if counts['skipped']:
        told += f', {counts["skipped"]} files skipped'
    console.print(escape(told + (f', written to {args.out}' if args.out else '')), highlight=False)


def _where_all_are(args: argparse.Namespace) -> str:
    """Where all inputs without an answer are listed."""
    if set(_formats(args)) & set(_LISTING):
        return f'all are listed in {args.out}'
    if args.json:
        return 'the lines of JSON have all'
    return f'--json or --out with --formats {" or ".join(_LISTING)} lists all'
