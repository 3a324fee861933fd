"""Train, test and compare the models of a suite, and write a report.

    python tools/benchmark.py --list
    python tools/benchmark.py demo [--out DIR] [--only ENTRY ...] [--jobs N]
    python tools/benchmark.py real-small --data-root downloads

What is finished is not done again: the same command after an interruption goes on where it stopped.
"""

import argparse
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console

from mmdet_medglip.benchmark import available_suites, load_suite
from mmdet_medglip.benchmark.command import CommandError
from mmdet_medglip.benchmark.leakage import Leakage
from mmdet_medglip.benchmark.report import summary_table, write_report
from mmdet_medglip.benchmark.sections import leakage_text
from mmdet_medglip.benchmark.session import Session
from mmdet_medglip.benchmark.suite import Suite

ROOT = Path(__file__).resolve().parents[1]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('suite', nargs='?', help='packaged suite, or a YAML file')
    parser.add_argument('--list', action='store_true', help='list the packaged suites, or entries')
    parser.add_argument('--out', type=Path, help='folder; default work_dirs/benchmark/SUITE')
    parser.add_argument('--data-root', type=Path, help='folder of the downloaded data sets')
    parser.add_argument(
        '--store',
        nargs='+',
        default=[],
        metavar='NAME=FOLDER',
        help='stores that are there, by the name that the suite gives them',
    )
    parser.add_argument('--only', nargs='+', metavar='ENTRY', help='run these entries only')
    parser.add_argument('--jobs', type=int, default=1, help='runs at a time')
    parser.add_argument('--report-only', action='store_true', help='run nothing')
    parser.add_argument(
        '--allow-leakage', action='store_true', help='go on when test images are in training'
    )
    parser.add_argument(
        '--any-code', action='store_true', help='keep results that another version of the code made'
    )
    parser.add_argument('--repeats', type=int, default=1000, help='resamples of the intervals')
    args = parser.parse_args(argv)
    if args.suite is None and not args.list:
        parser.error('name a suite, or pass --list')
    for option, value in (('--jobs', args.jobs), ('--repeats', args.repeats)):
        if value < 1:
            parser.error(f'{option} expects a positive number, got {value}')
    wrong = [text for text in args.store if '=' not in text]
    if wrong:
        parser.error(f'--store expects NAME=FOLDER, got {wrong[0]}')
    return args


def list_suites(name: str | None) -> None:
    """Print the packaged suites, or the entries of one."""
    for suite in [load_suite(found) for found in ([name] if name else available_suites())]:
        print(f'{suite.name}: {suite.title}\n  {suite.description.strip()}')
        for entry in suite.entries if name else ():
            kind = f'trained on {entry.train_on}' if entry.train_on else 'not trained'
            print(f'  {entry.name:<24}{entry.config}, {kind}. {entry.note}'.rstrip())


def check_leakage(found: Leakage, allowed: bool) -> None:
    """Print what test and training have in common.

    Raises:
        ValueError: If it is too much, and not allowed.
    """
    for line in leakage_text(found):
        print(line)
    if found.found and not allowed:
        raise ValueError(
            'test images or patients are in training; make the store again, or pass '
            '--allow-leakage to go on, which the report says.'
        )


def run(suite: Suite, args: argparse.Namespace) -> int:
    """Run a suite and write its report."""
    out = args.out or Path('work_dirs', 'benchmark', suite.name)
    session = Session(
        suite=suite,
        out=out,
        repository=ROOT,
        tell=lambda line: print(line, flush=True),
        only=args.only,
        data_root=args.data_root,
        stores={name: Path(folder) for name, _, folder in (s.partition('=') for s in args.store)},
        jobs=args.jobs,
        any_code=args.any_code,
    )
    stores = session.make_data(session.plan_data())
    leakage = session.find_leakage(stores)
    check_leakage(leakage, args.allow_leakage)
    runs = session.plan_runs(stores)
    if not args.report_only:
        session.execute(runs)
    report = write_report(
        suite, runs, stores, leakage, out, failed=session.failed, repeats=args.repeats
    )
    Console(width=140).print(summary_table(report))
    print(f'report {out / "report.html"}')
    return 1 if session.failed else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    args = parse_args(argv)
    # As an interrupt does, so that trainings end with this program.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if args.list:
            list_suites(args.suite)
            return 0
        return run(load_suite(args.suite), args)
    except (OSError, ValueError, CommandError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted; the same command goes on from here', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
