"""``medglip lint-prompt``: what is wrong with a prompt."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmdet_medglip.text import BUNDLED, LintRemark, lint_prompt, load_tokenizer

from .text_input import read_text, text_or_input

__all__ = ['HELP', 'NAME', 'add_arguments', 'run']

NAME = 'lint-prompt'
HELP = 'say what is wrong with a prompt, before it is used'
_COLOURS = {'error': 'red', 'warning': 'yellow', 'note': 'dim'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument('text', help="a list of phrases, such as 'liver, left kidney'; - reads it")
    parser.add_argument(
        '--sentences', action='store_true', help='the text is a report, not a list of phrases'
    )
    parser.add_argument('--modality', help='modality of the images, such as ct')
    parser.add_argument(
        '--vocabulary', type=Path, help='file of what the model was trained to find, one a line'
    )
    parser.add_argument(
        '--language-model', default=BUNDLED, help='name or folder of the language model'
    )
    parser.add_argument('--max-tokens', type=int, default=256, help='its limit of tokens')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the remarks.

    Args:
        args: The command line.
        console: Where to print.

    Returns:
        1 if a remark is an error, else 0.

    Raises:
        OSError: If the text, the vocabulary or the language model cannot be read.
        ValueError: If there is no such modality, or a text is not UTF-8.
    """
    vocabulary = None if args.vocabulary is None else _lines(args.vocabulary)
    remarks = lint_prompt(
        text_or_input(args.text),
        load_tokenizer(args.language_model),
        args.max_tokens,
        modality=args.modality,
        vocabulary=vocabulary,
        sentences=args.sentences,
    )
    if args.json:
        content = json.dumps([asdict(remark) for remark in remarks], indent=2, ensure_ascii=False)
        console.out(content, highlight=False)
    else:
        console.print(_table(remarks))
    return int(any(remark.severity == 'error' for remark in remarks))


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def _table(remarks: Sequence[LintRemark]) -> Table:
    table = Table(title='Prompt')
    table.add_column('severity', no_wrap=True)
    table.add_column('code', no_wrap=True)
    table.add_column('characters', no_wrap=True)
    table.add_column('what', overflow='fold')
    table.add_column('what to do', overflow='fold')
    for remark in remarks:
        where = '' if remark.span is None else f'{remark.span[0]}-{remark.span[1]}'
        severity = Text(remark.severity, style=_COLOURS[remark.severity])
        table.add_row(severity, remark.code, where, Text(remark.message), Text(remark.suggestion))
    return table
