"""Make demo data: procedural phantoms of seven modalities, and the store made of them.

    python tools/make_demo_data.py [--out data/demo] [--modalities ct mri] [--patients 8] [--seed 0]

Writes native files to OUT/raw, ingests them with the recipes of the phantoms into OUT/store, and
draws OUT/contact_sheet.png. The same arguments give the same bytes. No network, no real patients.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from mmdet_medglip.ingest import SourceReport
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS
from mmdet_medglip.testing.phantoms import SPECS
from mmdet_medglip.testing.phantoms.contact_sheet import contact_sheet
from mmdet_medglip.testing.phantoms.demo import make_demo_data


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--out', type=Path, default=Path('data/demo'), help='folder to make')
    parser.add_argument(
        '--modalities', nargs='+', metavar='NAME', help=f'some of {", ".join(SPECS)}; default all'
    )
    parser.add_argument('--patients', type=int, help="per modality; default each modality's own")
    parser.add_argument('--seed', type=int, default=0, help='another seed draws other phantoms')
    parser.add_argument('--jobs', type=int, default=2, help='processes that draw')
    return parser.parse_args(argv)


def report_table(reports: Sequence[SourceReport]) -> Table:
    """Lay out what went into the store, one row per modality."""
    table = Table(title='Demo data')
    table.add_column('recipe', no_wrap=True)
    for name in ('images', 'regions', 'labels', *SPLITS, 'left out'):
        table.add_column(name, justify='right')
    for report in reports:
        numbers = [report.images, report.regions, len(report.labels), *report.splits.values()]
        table.add_row(report.name, *map(str, [*numbers, report.rejected.total()]))
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Make the data and print what came of it."""
    args = parse_args(argv)
    started = time.monotonic()
    try:
        reports = make_demo_data(
            args.out,
            modalities=args.modalities,
            patients=args.patients,
            seed=args.seed,
            jobs=args.jobs,
        )
    except (OSError, ValueError) as error:
        print(f'make_demo_data: {error}', file=sys.stderr)
        return 1
    contact_sheet(GroundingStore(args.out / 'store')).save(args.out / 'contact_sheet.png')
    console = Console()
    console.print(report_table(reports))
    seconds = time.monotonic() - started
    console.print(f'{args.out} made in {seconds:.0f} s; see {args.out / "contact_sheet.png"}.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
