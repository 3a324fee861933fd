"""Measure what regions are worth: the same model and data with different regions.

    python tools/ablate_regions.py configs/downstream/ct_vqa.py --seeds 0 1 2
    python tools/ablate_regions.py --answers none=A.jsonl true=B.jsonl --questions Q.jsonl --out C

Trains and tests the model of a config with no boxes, predicted, true and shuffled ones, or takes
files of answers that are there. Writes gain.txt, gain.json and gain.png. What is finished is not
done again: the same command after an interruption goes on where it stopped.
"""

import argparse
import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmengine.config import DictAction

from mmdet_medglip.downstream.ablation import (
    collect_answers,
    compare_conditions,
    gain_chart,
    gain_table,
    gains_as_json,
    score_said,
)
from mmdet_medglip.downstream.ablation.region_source import SOURCES
from mmdet_medglip.downstream.ablation.trained_answers import TrainedAnswers
from mmdet_medglip.downstream.task_text import read_task_texts
from mmdet_medglip.engine.config import default_work_dir
from mmdet_medglip.store.durable import replace_file


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('config', nargs='?', help='such as configs/downstream/ct_vqa.py')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--conditions', nargs='+', default=list(SOURCES), choices=SOURCES, help='default: all'
    )
    parser.add_argument(
        '--answers',
        nargs='+',
        metavar='CONDITION=FILE',
        help='compare these files of answers instead of training',
    )
    parser.add_argument(
        '--questions',
        nargs='+',
        type=Path,
        metavar='FILE',
        help='questions in jsonl that --answers are to, if these are of tools/vqa.py',
    )
    parser.add_argument('--reference', default='none', help='condition to compare with')
    parser.add_argument('--out', type=Path, help="default: work_dirs/ plus the config's path")
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--repeats', type=int, default=1000, help='resamples of the intervals')
    args = parser.parse_args(argv)
    if (args.config is None) == (args.answers is None):
        parser.error('name a config, or files with --answers, not both')
    if args.answers is not None and args.out is None:
        parser.error('--answers needs --out')
    if args.answers is None and args.reference not in args.conditions:
        parser.error(f'--reference {args.reference} is none of the conditions')
    for text in args.answers or ():
        if '=' not in text:
            parser.error(f'--answers expects CONDITION=FILE, got {text}')
    if args.repeats < 1:
        parser.error(f'--repeats expects a positive number, got {args.repeats}')
    return args


def find_answers(args: argparse.Namespace, out: Path) -> dict[str, dict[int, Path]]:
    """Return files of answers by condition and seed, trained for or given."""
    if args.answers is not None:
        pairs = (text.split('=', 1) for text in args.answers)
        return {condition: {0: Path(path)} for condition, path in pairs}
    answers = TrainedAnswers(args.config, args.cfg_options)
    return collect_answers(
        answers, args.conditions, args.seeds, out, lambda line: print(line, flush=True)
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    args = parse_args(argv)
    # As an interrupt does, so that trainings end with this program.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out = args.out or Path(default_work_dir(args.config), 'ablation')
    try:
        files = find_answers(args, out)
        truths = None
        if args.questions:
            texts = (text for path in args.questions for text in read_task_texts(path, 'vqa'))
            truths = {text.text_id: text for text in texts}
        runs = {
            condition: {seed: score_said(path, truths) for seed, path in of_seed.items()}
            for condition, of_seed in files.items()
        }
        gains = compare_conditions(runs, args.reference, repeats=args.repeats)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from here', file=sys.stderr)
        return 130
    out.mkdir(parents=True, exist_ok=True)
    table = gain_table(gains, args.reference)
    replace_file(out / 'gain.txt', f'{table.lstrip()}\n'.encode())
    replace_file(out / 'gain.json', (json.dumps(gains_as_json(gains), indent=2) + '\n').encode())
    replace_file(out / 'gain.png', gain_chart(gains))
    print(table)
    print(f'\nplot {out / "gain.png"}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
