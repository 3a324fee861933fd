"""Give hostile input to the parsers, in processes whose memory and time are bounded.

    python tools/fuzz.py                                      # list the targets
    python tools/fuzz.py all --cases 10000                    # damaged files, repeatable
    python tools/fuzz.py coco --first 86 --cases 1            # one case again
    python tools/fuzz.py coco --guided --seconds 60           # by coverage, with atheris

A case is taken with a sound result, or refused with one clear error; anything else is listed, and
the exit status is 1. See docs/hostile_input.md.
"""

import argparse
import logging
import os
import sys
import time
import types
import warnings
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('target', nargs='?', help="a target, a family, or 'all'; default: list")
    parser.add_argument('--cases', type=int, default=1000, help='in all (default: %(default)s)')
    parser.add_argument('--first', type=int, default=0, help='number of the first case of a target')
    parser.add_argument('--guided', action='store_true', help='let coverage choose what to try')
    parser.add_argument(
        '--seconds', type=int, default=60, help='of --guided (default: %(default)s)'
    )
    parser.add_argument('--save', type=Path, help='write the content of the first failure here')
    args = parser.parse_args(argv)
    if args.cases < 1 or args.first < 0 or args.seconds < 1:
        parser.error('--cases and --seconds must be at least 1, --first at least 0')
    return args


def find_tests() -> None:
    """Make the tests of this checkout importable, whatever other package is called ``tests``."""
    sys.path.insert(0, str(REPOSITORY))
    package = types.ModuleType('tests')
    package.__path__ = [str(REPOSITORY / 'tests')]
    sys.modules['tests'] = package


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    args = parse_args(argv)
    if args.guided:
        return guide(args)
    from tests.hostile.bounded import run_bounded
    from tests.hostile.families import FAMILIES, find_target, targets_of

    if args.target is None:
        for family in FAMILIES:
            print(f'{family}: {", ".join(target.name for target in targets_of(family))}')
        return 0
    if args.target == 'all':
        targets = [target for family in FAMILIES for target in targets_of(family)]
    elif args.target in FAMILIES:
        targets = list(targets_of(args.target))
    else:
        try:
            targets = [find_target(args.target)]
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    failures, cases = [], 0
    for number, target in enumerate(targets):
        share = args.cases * (number + 1) // len(targets) - args.cases * number // len(targets)
        start = time.monotonic()
        tally = run_bounded(target, range(args.first, args.first + share))
        cases += tally.cases
        failures += tally.failures
        print(
            f'{target.name:26} {tally.cases:6} cases: {tally.taken:5} taken, {tally.refused:5} '
            f'refused, {len(tally.failures)} failed, {time.monotonic() - start:.0f} s',
            flush=True,
        )
        for failure in tally.failures:
            print(f'  {failure}', flush=True)
        if failures and args.save is not None and not args.save.exists():
            args.save.write_bytes(find_target(failures[0].target).content(failures[0].case))
    kinds = {kind: sum(f.kind == kind for f in failures) for kind in ('crash', 'hang')}
    others = len(failures) - sum(kinds.values())
    print(
        f'{cases} cases of {len(targets)} targets: {kinds["crash"]} crashes, '
        f'{kinds["hang"]} hangs, {others} other failures'
    )
    return 1 if failures else 0


def guide(args: argparse.Namespace) -> int:
    """Let atheris choose the content by what of the package it reaches; ends the process."""
    try:
        import atheris
    except ImportError:
        print("--guided needs atheris: run 'pip install atheris==3.0.0'.", file=sys.stderr)
        return 2
    import shutil
    import tempfile

    with atheris.instrument_imports(include=['mmdet_medglip']):
        from tests.hostile.families import find_target
        from tests.hostile.target import run_case

        try:
            target = find_target(args.target or '')
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    scratch = Path(tempfile.mkdtemp(prefix='hostile-guided-'))
    corpus = scratch / 'corpus'
    corpus.mkdir()
    for number in range(len(target.seeds)):
        (corpus / str(number)).write_bytes(target.content(number))
    folder = scratch / 'case'

    def one(data: bytes) -> None:
        folder.mkdir()
        try:
            run_case(target, data, folder)
        finally:
            shutil.rmtree(folder)

    options = [
        f'-max_total_time={args.seconds}',
        f'-timeout={target.seconds}',
        '-rss_limit_mb=4096',
        f'-artifact_prefix={os.getcwd()}/fuzz-{target.name}-',
        '-print_final_stats=1',
        '-verbosity=0',
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()
    return 0


if __name__ == '__main__':
    # Of this process as a whole, so not where another one calls main.
    warnings.simplefilter('ignore')
    logging.disable(logging.WARNING)
    find_tests()
    sys.exit(main())
