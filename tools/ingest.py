"""Turn source data sets into one store.

Example:
    python tools/ingest.py --recipe kvasir_seg drishti_gs --data-root data/raw --out data/store
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from mmdet_medglip.ingest import StoreWriter, available_recipes, ingest, load_recipe
from mmdet_medglip.ingest.recipe import IngestReport
from mmdet_medglip.structures import SPLITS

_WIDTH = 110


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Turn source data sets into one store.',
        epilog=f'Packaged recipes: {", ".join(available_recipes())}.',
    )
    parser.add_argument(
        '--recipe',
        nargs='+',
        required=True,
        help='packaged recipes or YAML files; "all" = packaged',
    )
    parser.add_argument('--data-root', type=Path, required=True, help='folder of the data sets')
    parser.add_argument('--out', type=Path, required=True, help='store to write')
    parser.add_argument('--name', help='name of the store; that of its folder by default')
    parser.add_argument('--limit', type=int, help='at most this many items per recipe')
    parser.add_argument('--shard-rows', type=int, default=4096, help='records per shard')
    parser.add_argument('--overwrite', action='store_true', help='replace an existing store')
    return parser.parse_args(argv)


def report_table(reports: list[IngestReport]) -> Table:
    """Lay out the reports of the recipes, one row each and a row of sums."""
    table = Table(title='Ingested')
    table.add_column('recipe', no_wrap=True)
    for name in ('records', 'regions', 'negatives', *SPLITS, 'labels', 'skipped'):
        table.add_column(name, justify='right')
    for report in reports:
        numbers = [report.records, report.instances, report.negatives]
        numbers += [report.splits[split] for split in SPLITS]
        numbers += [len(report.labels), report.skipped.total()]
        table.add_row(report.recipe, *(str(number) for number in numbers))
    sums = [
        sum(r.records for r in reports),
        sum(r.instances for r in reports),
        sum(r.negatives for r in reports),
        *(sum(r.splits[split] for r in reports) for split in SPLITS),
        len(set().union(*(r.labels for r in reports))),
        sum(r.skipped.total() for r in reports),
    ]
    table.add_row('all', *(str(number) for number in sums), style='bold')
    return table


def skipped_table(reports: list[IngestReport]) -> Table:
    """Lay out what was skipped, one row per recipe and reason."""
    table = Table(title='Skipped')
    table.add_column('recipe')
    table.add_column('items', justify='right')
    table.add_column('why')
    for report in reports:
        for reason, count in report.skipped.most_common():
            table.add_row(report.recipe, str(count), reason)
    return table


def main(argv: list[str] | None = None) -> int:
    """Ingest and print what came of it."""
    args = parse_args(argv)
    console = Console(width=max(Console().width, _WIDTH))
    try:
        names = available_recipes() if args.recipe == ['all'] else args.recipe
        recipes = [load_recipe(name) for name in names]
        writer = StoreWriter(
            args.out,
            name=args.name or args.out.name,
            shard_rows=args.shard_rows,
            overwrite=args.overwrite,
        )
        with writer, console.status('Starting') as status:
            reports = ingest(
                recipes,
                args.data_root,
                writer,
                limit=args.limit,
                on_record=lambda name, count: status.update(f'{name}: {count} records'),
            )
    except (OSError, ValueError) as error:
        print(f'ingest: {error}', file=sys.stderr)
        return 1
    console.print(report_table(reports))
    if any(report.skipped for report in reports):
        console.print(skipped_table(reports))
    console.print(f'Store: {args.out}. Items left out are listed in {args.out / "skipped.jsonl"}.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
