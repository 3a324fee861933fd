"""Turn source data sets into one store, and look after it.

Example:
    python tools/ingest.py run kvasir_seg drishti_gs --data-root data/raw --out data/store
    python tools/ingest.py init data/raw/my_folder --out my_recipe.yaml
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from mmdet_medglip.ingest import (
    SourceReport,
    available_recipes,
    load_recipe,
    remove_source,
    run_ingest,
)
from mmdet_medglip.ingest.copies import LEAKAGE
from mmdet_medglip.ingest.engines import ENGINES
from mmdet_medglip.ingest.tasks import Progress
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS

# Workers import this file again: what only some commands need is imported there.
_WIDTH = 120
_MOST_UNMAPPED = 20


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Turn source data sets into one store.')
    commands = parser.add_subparsers(dest='command', required=True)
    _add_run(commands.add_parser('run', help='add data sets to a store, made if it is not there'))

    init = commands.add_parser('init', help='look at a folder and write a recipe to edit')
    init.add_argument('folder', type=Path, help='folder of a data set')
    init.add_argument('--out', type=Path, help='recipe to write; <folder name>.yaml by default')
    init.add_argument('--overwrite', action='store_true', help='replace an existing recipe')

    commands.add_parser('list', help='list the packaged recipes')

    card = commands.add_parser('card', help='write the data card of a store again')
    card.add_argument('store', type=Path)

    export = commands.add_parser('export', help='write a store as COCO or ODVG')
    export.add_argument('store', type=Path)
    export.add_argument('--format', choices=('coco', 'odvg-od', 'odvg-vg'), required=True)
    export.add_argument('--out', type=Path, required=True, help='folder to write')
    export.add_argument('--split', choices=SPLITS, help='this split only')
    export.add_argument('--modality', help='this modality only')
    export.add_argument(
        '--images', choices=('none', 'link', 'copy'), default='none', help='what to do with images'
    )

    remove = commands.add_parser('remove', help='take a source out of a store')
    remove.add_argument('store', type=Path)
    remove.add_argument('source')

    verify = commands.add_parser('verify', help='check all shards and images of a store')
    verify.add_argument('store', type=Path)
    return parser.parse_args(argv)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        'recipes', nargs='+', help='packaged recipes or YAML files; "all" = all packaged ones'
    )
    run.add_argument('--data-root', type=Path, required=True, help='folder of the data sets')
    run.add_argument('--out', type=Path, required=True, help='store to make or to add to')
    run.add_argument('--name', help='name of a new store; that of its folder by default')
    run.add_argument('--engine', choices=ENGINES, default='processes', help='where tasks run')
    run.add_argument(
        '--workers', type=int, default=_cores(), help='worker processes; one per core by default'
    )
    run.add_argument('--scheduler', help='address of a running Dask scheduler')
    run.add_argument('--limit', type=int, help='only the first items of each data set')
    run.add_argument(
        '--leakage',
        choices=LEAKAGE,
        default='flag',
        help='what to do with near copies of images of another patient in another split',
    )
    run.add_argument(
        '--key-file', type=Path, help='key of pseudonyms; <out>.private/key by default'
    )
    run.add_argument(
        '--import', dest='imports', nargs='+', default=[], help='modules with readers of your own'
    )
    run.add_argument(
        '--skip-missing', action='store_true', help='leave out recipes whose folder is not there'
    )
    run.add_argument('--no-card', action='store_true', help='write no data card')
    run.add_argument('--json', type=Path, help='also write the report as JSON')


def run(args: argparse.Namespace, console: Console) -> int:
    """Add data sets to a store and print what came of it."""
    names = available_recipes() if args.recipes == ['all'] else args.recipes
    recipes = [load_recipe(name) for name in names]
    if args.skip_missing:
        missing = [r.name for r in recipes if not (args.data_root / r.root).is_dir()]
        recipes = [r for r in recipes if r.name not in missing]
        if missing:
            console.print(f'{len(missing)} recipes without data: {", ".join(missing)}')
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn('{task.fields[images]} images, {task.fields[rejects]} rejects'),
    )
    with ProgressBar(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def show(now: Progress) -> None:
            if now.source not in tasks:
                tasks[now.source] = bar.add_task(now.source, images=0, rejects=0)
            bar.update(
                tasks[now.source],
                completed=now.items,
                total=now.total,
                images=now.images,
                rejects=now.rejects,
            )

        reports = run_ingest(
            recipes,
            args.data_root,
            args.out,
            name=args.name,
            engine=args.engine,
            workers=args.workers,
            scheduler=args.scheduler,
            limit=args.limit,
            leakage=args.leakage,
            key_file=args.key_file,
            imports=args.imports,
            on_progress=show,
        )
    for table in (report_table(reports), rejects_table(reports), unmapped_table(reports)):
        if table.row_count:
            console.print(table)
    console.print(f'Store: {args.out}. What was left out, and why: {args.out / "rejects.parquet"}.')
    if not args.no_card:
        args.store = args.out
        card(args, console)
    if args.json:
        content = [{'source': r.name, 'added': r.added, **r.entry} for r in reports]
        args.json.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    if not any(report.images for report in reports):
        print('ingest: no image was taken; see the rejects.', file=sys.stderr)
        return 1
    return 0


def init(args: argparse.Namespace, console: Console) -> int:
    """Look at a folder and write a recipe."""
    from mmdet_medglip.ingest.guess import guess_recipe

    out = args.out or Path(f'{args.folder.resolve().name}.yaml')
    if out.exists() and not args.overwrite:
        raise FileExistsError(f'{out} exists; pass --overwrite, or another --out.')
    guessed = guess_recipe(args.folder)
    out.write_text(guessed.text, encoding='utf-8')
    console.print(guessed.text, markup=False, highlight=False)
    console.print(f'Recipe: {out}. Read its comments, correct it, then run it.')
    return 0


def list_recipes(args: argparse.Namespace, console: Console) -> int:
    """Print the packaged recipes."""
    table = Table(title='Packaged recipes')
    for name in ('recipe', 'modality', 'title', 'licence', 'url'):
        table.add_column(name, overflow='fold')
    for name in available_recipes():
        recipe = load_recipe(name)
        table.add_row(name, recipe.modality, recipe.title, recipe.licence, recipe.url)
    console.print(table)
    return 0


def card(args: argparse.Namespace, console: Console) -> int:
    """Write the data card of a store."""
    from mmdet_medglip.ingest.data_card import write_data_card

    console.print(f'Data card: {write_data_card(args.store)}.')
    return 0


def export(args: argparse.Namespace, console: Console) -> int:
    """Write a store as COCO or ODVG."""
    from mmdet_medglip.ingest.export import export_coco, export_odvg

    store = GroundingStore(args.store)
    chosen = {'split': args.split, 'modality': args.modality, 'images': args.images}
    if args.format == 'coco':
        written = export_coco(store, args.out, **chosen)
    else:
        kind = args.format.removeprefix('odvg-').upper()
        written = export_odvg(store, args.out, kind=kind, **chosen)
    for path in written.files:
        console.print(f'Wrote {path}.')
    for reason, count in written.left_out.items():
        console.print(f'Left out: {count} x {reason}.')
    return 0


def remove(args: argparse.Namespace, console: Console) -> int:
    """Take a source out of a store."""
    remove_source(args.store, args.source)
    console.print(f'Removed {args.source} from {args.store}.')
    return 0


def verify(args: argparse.Namespace, console: Console) -> int:
    """Check all shards and images of a store."""
    faults = GroundingStore(args.store).verify()
    for fault in faults:
        console.print(fault, markup=False)
    console.print(f'{args.store}: {len(faults)} faults.')
    return 1 if faults else 0


def report_table(reports: list[SourceReport]) -> Table:
    """Lay out what the sources gave, one row each and a row of sums."""
    table = Table(title='Sources')
    table.add_column('source', no_wrap=True)
    for name in ('state', 'images', 'regions', *SPLITS, 'labels', 'left out', 'seconds'):
        table.add_column(name, justify='right')
    for report in reports:
        state = 'added' if report.added else 'unchanged'
        table.add_row(report.name, state, *_numbers([report]), f'{report.seconds:.1f}')
    table.add_row('all', '', *_numbers(reports), '', style='bold')
    return table


def rejects_table(reports: list[SourceReport]) -> Table:
    """Lay out what was left out, one row per source, stage and reason."""
    table = Table(title='Left out')
    for name in ('source', 'stage', 'why'):
        table.add_column(name)
    table.add_column('items', justify='right')
    for report in reports:
        for (stage, reason), count in report.rejected.most_common():
            table.add_row(report.name, stage, reason, str(count))
    return table


def unmapped_table(reports: list[SourceReport]) -> Table:
    """Lay out names without a label."""
    table = Table(title="Names without a label: map them under 'labels' of the recipe")
    table.add_column('source')
    table.add_column('name and nearest labels', overflow='fold')
    table.add_column('regions', justify='right')
    for report in reports:
        for name, count in report.unmapped.most_common(_MOST_UNMAPPED):
            table.add_row(report.name, name, str(count))
    return table


def _numbers(reports: list[SourceReport]) -> list[str]:
    numbers = [sum(report.images for report in reports), sum(report.regions for report in reports)]
    numbers += [sum(report.splits[split] for report in reports) for split in SPLITS]
    numbers.append(len(set().union(*(report.labels for report in reports))))
    numbers.append(sum(report.rejected.total() for report in reports))
    return [str(number) for number in numbers]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


COMMANDS = {
    'run': run,
    'init': init,
    'list': list_recipes,
    'card': card,
    'export': export,
    'remove': remove,
    'verify': verify,
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; print one line about what is wrong, if something is."""
    args = parse_args(argv)
    console = Console(width=max(Console().width, _WIDTH))
    try:
        return COMMANDS[args.command](args, console)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(f'ingest: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('ingest: stopped; run the same command again to continue.', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
