"""Ask a vision-language model medical questions with and without regions, and score its answers.

python tools/vqa.py run --questions FILE --format vqa-rad --image-root FOLDER --model NAME --out A.jsonl
python tools/vqa.py score --questions FILE --format vqa-rad --answers A.jsonl [B.jsonl ...]
"""  # noqa: E501

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.downstream.command_options import (
    CONDITIONS,
    add_context_options,
    add_model_options,
    add_region_options,
    load_model,
    read_regions,
)
from mmdet_medglip.downstream.context import SpatialContext
from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.downstream.vqa import (
    FIGURES,
    READERS,
    QuestionSet,
    RunOptions,
    VqaAnswer,
    answer_questions,
    check_run,
    score_answers,
)
from mmdet_medglip.evaluation.json_values import json_values
from mmdet_medglip.visualization.table import render_table


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    commands = parser.add_subparsers(dest='command', required=True)
    questions = argparse.ArgumentParser(add_help=False)
    group = questions.add_argument_group('questions')
    group.add_argument('--questions', type=Path, required=True, help='file of the set')
    group.add_argument('--format', choices=sorted(READERS), default='jsonl', help='its layout')
    group.add_argument('--split', help='of vqa-rad (train, test) and path-vqa (names of files)')
    group.add_argument('--language', default='en', help="of slake; 'all' takes every one")
    group.add_argument(
        '--limit', type=int, metavar='N', help='the first N questions only, to try a run'
    )
    group.add_argument(
        '--skip-bad-questions', action='store_true',
        help='go on without questions that cannot be asked, and say which',
    )  # fmt: skip
    run = commands.add_parser('run', parents=[questions], help='ask a model')
    run.add_argument(
        '--image-root', type=Path, help='folder of the images; of jsonl the folder of the file'
    )
    run.add_argument(
        '--stand-in-images', action='store_true',
        help='made pictures in place of all images: checks the run, says nothing of the model',
    )  # fmt: skip
    add_model_options(run, max_new_tokens=64)
    run.add_argument('--instruction', default='', help='added below each question')
    group = run.add_argument_group('regions')
    group.add_argument('--condition', choices=CONDITIONS, default='none', help='whose regions')
    add_region_options(group)
    add_context_options(group)
    group.add_argument('--no-scores', action='store_true', help='leave scores out of the text')
    score = commands.add_parser('score', parents=[questions], help='judge answers')
    score.add_argument('--answers', type=Path, nargs='+', required=True, help='files of run')
    score.add_argument(
        '--answered-only', action='store_true',
        help='judge the questions that have an answer, and say how many have none',
    )  # fmt: skip
    score.add_argument('--repeats', type=int, default=1000, help='resamples of patients')
    score.add_argument('--seed', type=int, default=0, help='of the resamples')
    score.add_argument('--json', type=Path, metavar='FILE', help='write all figures here')
    args = parser.parse_args(arguments)
    if args.command == 'run' and (args.condition == 'none') != (args.regions is None):
        parser.error('--regions and a --condition other than none go together')
    if args.command == 'run' and args.stand_in_images and args.image_root:
        parser.error('--stand-in-images takes the place of --image-root: give one of them')
    if args.split and args.format not in ('vqa-rad', 'path-vqa'):
        parser.error(f'--split is for vqa-rad and path-vqa, not {args.format}')
    if args.limit is not None and args.limit < 1:
        parser.error('--limit must be at least 1')
    return args


def read_questions(args: argparse.Namespace, image_root: Path | None) -> QuestionSet:
    """Read the set, and print what was taken and what was not."""
    options: dict[str, Any] = {}
    if args.format in ('vqa-rad', 'path-vqa'):
        options['split'] = args.split
    if args.format == 'slake':
        options['language'] = None if args.language == 'all' else args.language
    found = READERS[args.format](
        args.questions, image_root, skip_bad=args.skip_bad_questions, **options
    )
    print(f'{args.questions}: {found.summary()}')
    return found


def run(args: argparse.Namespace) -> None:
    """Ask the model."""
    root = args.image_root
    if root is None and args.format == 'jsonl' and not args.stand_in_images:
        root = args.questions.parent
    records = read_questions(args, root).records[: args.limit]
    options = RunOptions(
        condition=args.condition,
        context=SpatialContext(
            text=None if args.text == 'no' else args.text,
            marks=args.marks,
            max_crops=args.max_crops,
            sides=args.sides,
            scores=not args.no_scores,
        ),
        instruction=args.instruction,
        batch_size=args.batch_size,
        stand_in=args.stand_in_images,
    )
    regions = check_run(records, options, read_regions(args))
    model = load_model(args)
    print(f'{args.model} on {model.device}, {model.model.dtype}, chat template: {model.chat}')
    found = answer_questions(
        records,
        model,
        args.out,
        options,
        regions,
        cache=args.cache,
        progress=lambda done, total: print(f'{done}/{total}', flush=True),
    )
    print(
        f'{args.out}: {len(records)} answers ({found.asked} asked, {found.resumed} were there, '
        f'{found.cached} from the cache)'
    )
    if args.stand_in_images:
        print('Made pictures stood in for missing images: figures say nothing of the model.')


def score(args: argparse.Namespace) -> None:
    """Print the figures of each file, and write them."""
    records = read_questions(args, None).records[: args.limit]
    report: dict[str, Any] = {}
    for path in args.answers:
        rows = enumerate(read_log(path), start=1)
        answers = [VqaAnswer.from_line(row, f'{path}, line {number}') for number, row in rows]
        if not answers:
            raise ValueError(f'{path} has no answers yet: run tools/vqa.py run with it.')
        judged, answered = records, {answer.question_id for answer in answers}
        if args.answered_only:
            judged = [record for record in records if record.question_id in answered]
        scores = score_answers(judged, answers)
        counts, intervals = scores.counts(), scores.intervals(args.repeats, args.seed)
        stood_in = sum(answer.picture == 'stand-in' for answer in answers)
        print(f'\n{path}: {answers[0].model}, regions: {answers[0].condition}', end='')
        table = [
            (name, counts[name], intervals[name].value, intervals[name].low, intervals[name].high)
            for name in FIGURES
        ]
        columns = ('figure', 'questions', 'value', 'low', 'high')
        print(render_table('95 % intervals over patients', columns, table))
        if len(judged) < len(records):
            left = len(records) - len(judged)
            print(f'{left} questions have no answer and do not count.')
        if stood_in:
            print(f'{stood_in} answers are to made pictures: these figures say nothing of a model.')
        report[str(path)] = {
            'model': answers[0].model,
            'condition': answers[0].condition,
            'stand_in_pictures': stood_in,
            'unanswered': len(records) - len(judged),
            'figures': {
                name: {'questions': counts[name], **vars(intervals[name])} for name in FIGURES
            },
        }
    if args.json:
        args.json.write_text(json.dumps(json_values(report), indent=2, allow_nan=False) + '\n')


def main(arguments: list[str] | None = None) -> None:
    """Run one of the commands."""
    args = parse_args(arguments)
    try:
        run(args) if args.command == 'run' else score(args)
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
