"""Test a model asked in other words: synonyms, descriptions, classes, wrong names.

python tools/test_words.py configs/medglip/ct_words.py [CHECKPOINT] [--askings name synonym ...]

AP50 with its 95 % interval over patients, for labels that training saw and labels held out of it
(train_dataloader.dataset.hold_out). `shuffled` asks by the name of another label, `shuffled_class`
by that of another class: a model that reads its prompt must do far worse there, and "above wrong
words" is by how much.
"""

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.engine.askings import ASKINGS, Answers, test_askings
from mmdet_medglip.engine.launch import (
    add_checkpoint_option,
    add_common_options,
    build_runner,
    read_test_config,
)
from mmdet_medglip.evaluation.functional.bootstrap import Interval
from mmdet_medglip.visualization.table import render_table

RESULTS_FILE = 'test_words.json'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    add_common_options(parser)
    add_checkpoint_option(parser)
    parser.add_argument(
        '--askings', nargs='+', choices=ASKINGS, default=list(ASKINGS), help='default: all'
    )
    return parser.parse_args()


def row(answers: Answers) -> tuple[str, int, str, str, int, str, str, int]:
    """One line of the table."""
    seen, unseen = answers.seen, answers.unseen
    return (
        answers.asking,
        *(seen.labels, written(seen.ap50), written(seen.gain)),
        *(unseen.labels, written(unseen.ap50), written(unseen.gain)),
        len(answers.unsaid),
    )


def written(figure: Interval | None) -> str:
    """A figure with its interval."""
    if figure is None or math.isnan(figure.value):
        return '-'
    return f'{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})'


def main() -> None:
    """Test and print."""
    args = parse_args()
    try:
        config = read_test_config(args, 'test_dataloader')
        found = test_askings(build_runner(config), config, args.askings)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    columns = (
        'asked by',
        *('seen', 'AP50', 'above wrong words'),
        *('unseen', 'AP50', 'above wrong words'),
        'left out',
    )
    print(render_table('Labels asked in other words', columns, [row(one) for one in found]))
    path = Path(config.work_dir) / RESULTS_FILE
    path.write_text(json.dumps([dataclasses.asdict(one) for one in found], indent=2) + '\n')
    print(f'\ncheckpoint  {config.load_from}\nall figures {path}')


if __name__ == '__main__':
    main()
