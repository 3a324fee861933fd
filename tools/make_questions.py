"""Make questions and reports from the truth of a store.

    python tools/make_questions.py data/demo/store [--out FOLDER] [--seed 0]

Writes vqa_<split>.jsonl and reports_<split>.jsonl into STORE/questions. Splits are those of the
store. The table says how many questions there are of each kind, and how many a guess is right for:
the most frequent training answer to the same words.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.downstream.ablation import score_answer
from mmdet_medglip.downstream.generate import (
    KINDS,
    AskedQuestion,
    majority_answers,
    make_text_files,
)
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS
from mmdet_medglip.visualization.table import render_table


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('store', type=Path, help='folder of the store')
    parser.add_argument('--out', type=Path, help='default: the folder questions of the store')
    parser.add_argument('--seed', type=int, default=0, help='another seed asks otherwise')
    return parser.parse_args(argv)


def guess_rows(questions: Sequence[AskedQuestion]) -> list[tuple]:
    """Lay out numbers of questions and how well a guess does, a row for each kind."""
    guesses = majority_answers(q for q in questions if q.split == 'train')
    held_out = [q for q in questions if q.split != 'train']
    rows = []
    for kind in (*KINDS, 'closed', 'open'):
        own = [q for q in questions if kind in (q.kind, q.answer_type)]
        tested = [q for q in held_out if kind in (q.kind, q.answer_type)]
        scores = [
            score_answer(q.answer, guesses.get(q.question, ''), q.answer_type).value for q in tested
        ]
        right = sum(scores) / len(scores) if scores else float('nan')
        numbers = [sum(q.split == split for q in own) for split in SPLITS]
        rows.append((kind, own[0].answer_type if own else '-', *numbers, right))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Make the files and print what came of it."""
    args = parse_args(argv)
    out = args.out or args.store / 'questions'
    try:
        written = make_text_files(GroundingStore(args.store), out, seed=args.seed)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    columns = ('kind', 'answers', *SPLITS, 'guess, held out')
    print(render_table('Questions', columns, guess_rows(written.questions)))
    reports = ', '.join(f'{number} {split}' for split, number in written.reports.items())
    print(f'\nreports: {reports}; images with nothing to report: {written.silent}')
    for reason, number in written.left_out.items():
        print(f'left out, {reason}: {number}')
    print(f'files {out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
