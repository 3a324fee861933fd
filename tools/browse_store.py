"""Draw records of a store, to see that every box sits on its structure.

Example:
    python tools/browse_store.py data/store --label liver_lesion --split val --grid --out pictures
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mmdet_medglip.ingest.data_card.drawing import (
    draw_grid,
    draw_record,
    network_view,
    regions_of,
)
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS, Record

_WIDTH = 120
_UNSAFE = re.compile(r'[^A-Za-z0-9._-]+')
_MAX_PIXELS = 200_000_000
"""Of a grid; a larger one is split over several files."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Draw records of a store: the image as the network sees it, boxes, mask '
        'outlines and names.'
    )
    parser.add_argument('store', type=Path, help='folder of the store')
    parser.add_argument('--label', help='records with this label, by any of its names')
    parser.add_argument('--only', action='store_true', help='draw the boxes of --label only')
    parser.add_argument('--modality', help='records of this modality, by any of its names')
    parser.add_argument('--split', choices=SPLITS, help='records of this split')
    parser.add_argument('--source', help='records of this source')
    parser.add_argument('--flag', help='records with this flag, such as near_duplicate')
    parser.add_argument('--negatives', action='store_true', help='records without region')
    parser.add_argument('--image-id', help='the one record of this id')
    parser.add_argument('--num', type=int, default=24, help='records at most (default 24)')
    parser.add_argument('--seed', type=int, default=0, help='another seed draws other records')
    parser.add_argument('--out', type=Path, default=Path('store_pictures'), help='folder to write')
    parser.add_argument('--grid', action='store_true', help='one sheet, not a file per record')
    parser.add_argument('--columns', type=int, default=6, help='columns of the sheet (default 6)')
    parser.add_argument('--side', type=int, help='longer side of an image: 768, in a grid 320')
    parser.add_argument('--no-outlines', action='store_true', help='do not outline masks')
    args = parser.parse_args(argv)
    for name in ('num', 'columns'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1, got {getattr(args, name)}')
    if args.side is not None and not 32 <= args.side <= 4096:
        parser.error(f'--side must be in 32..4096, got {args.side}')
    if args.only and not args.label:
        parser.error('--only needs --label')
    return args


def select(store: GroundingStore, args: argparse.Namespace, ontology: Ontology) -> list[int]:
    """Choose records at random, but the same ones each time.

    Args:
        store: The store.
        args: The command line; ``label`` and ``modality`` are ids here.
        ontology: Names of labels and modalities.

    Returns:
        At most ``args.num`` positions in increasing order.

    Raises:
        ValueError: If no record is selected, or the store has no such source, label or image.
    """
    rows = store.indices(split=args.split, modality=args.modality)
    rows = np.random.default_rng(args.seed).permutation(rows)
    for name, wanted in (('source', args.source), ('image_id', args.image_id)):
        if wanted is not None:
            rows = rows[_holds(store, name, wanted)[rows]]
            if not len(rows):
                known = ', '.join(entry['name'] for entry in store.sources)
                raise ValueError(
                    f'No record of {store.root} in this selection has {name} {wanted!r}; the '
                    f'sources of the store are {known}.'
                )
    if args.label is not None:
        rows = rows[_has_label(store, args.label)[rows]]
    found = []
    for row in rows:
        if len(found) == args.num:
            break
        record = store[int(row)] if args.flag or args.negatives else None
        if record is None or _fits(record, args):
            found.append(int(row))
    if not found:
        wanted = {k: v for k, v in vars(args).items() if k in _SELECTORS and v}
        raise ValueError(f'No record of {store.root} is selected by {wanted}; ask for less.')
    return sorted(found)


_SELECTORS = ('label', 'modality', 'split', 'source', 'flag', 'negatives', 'image_id')


def _holds(store: GroundingStore, name: str, wanted: str) -> np.ndarray:
    """Tell for each record whether an index column has a value."""
    parts = [
        np.array([value == wanted for value in chunk.to_pylist()]) for chunk in store.chunks(name)
    ]
    return np.concatenate([*parts, np.empty(0, dtype=bool)]).astype(bool)


def _has_label(store: GroundingStore, label: str) -> np.ndarray:
    """Tell for each record whether it has a region of a label."""
    if label not in store.labels:
        known = ', '.join(store.labels) or 'none'
        raise ValueError(f'{store.root} has no label {label!r}; it has {known}.')
    parts = [
        np.array([label in values for values in chunk.to_pylist()])
        for chunk in store.chunks('labels')
    ]
    return np.concatenate([*parts, np.empty(0, dtype=bool)]).astype(bool)


def _fits(record: Record, args: argparse.Namespace) -> bool:
    if args.flag and args.flag not in record.flags:
        return False
    return not (args.negatives and record.instances)


def draw(
    store: GroundingStore, rows: Sequence[int], args: argparse.Namespace, ontology: Ontology
) -> Iterator[Path]:
    """Draw records and write the pictures.

    Yields:
        Each file, once written.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    side = args.side or (320 if args.grid else 768)
    tiles = []
    limit = max(args.columns, _MAX_PIXELS // (2 * side * side))
    number = 0
    for place, row in enumerate(rows):
        record = store[row]
        flags = f' · {", ".join(record.flags)}' if record.flags else ''
        picture = draw_record(
            network_view(store, record),
            regions_of(record, ontology, args.label if args.only else None),
            side=side,
            title=(record.image_id, f'{record.source} · {record.split}{flags}'),
            legend_lines=3 if args.grid else None,
            outlines=not args.no_outlines,
        )
        if not args.grid:
            path = args.out / f'{row:07d}-{_UNSAFE.sub("_", record.image_id)[-80:]}.png'
            picture.save(path)
            yield path
            continue
        tiles.append(picture)
        if len(tiles) == limit or place == len(rows) - 1:
            path = args.out / f'grid-{number:03d}.png'
            draw_grid(tiles, args.columns).save(path)
            yield path
            tiles, number = [], number + 1


def summary(store: GroundingStore, rows: Sequence[int], ontology: Ontology) -> Table:
    """List the records drawn."""
    table = Table(title=f'{escape(store.name)}: {len(rows)} records')
    for name in ('row', 'image', 'modality', 'split', 'size', 'boxes', 'labels', 'flags'):
        numeric = name in ('row', 'boxes')
        table.add_column(name, justify='right' if numeric else 'left', overflow='fold')
    for row in rows:
        record = store[row]
        names = dict.fromkeys(str(i.label or i.phrase) for i in record.instances)
        labels = ', '.join(list(names)[:4]) + (f' + {len(names) - 4}' if len(names) > 4 else '')
        cells = [str(row), record.image_id, record.modality, record.split]
        cells += [f'{record.width} x {record.height}', str(len(record.instances)), labels]
        table.add_row(*(escape(cell) for cell in [*cells, ', '.join(record.flags)]))
    return table


def main(argv: list[str] | None = None) -> int:
    """Draw what the command line asks for."""
    args = parse_args(argv)
    console = Console(width=max(Console().width, _WIDTH))
    ontology = Ontology.default()
    try:
        store = GroundingStore(args.store)
        if args.modality is not None:
            args.modality = ontology.parse_modality(args.modality)
        if args.label is not None and args.label not in store.labels:
            args.label = ontology.parse_label(args.label)
        rows = select(store, args, ontology)
        files = list(draw(store, rows, args, ontology))
    except (OSError, ValueError) as error:
        print(f'browse_store: {error}', file=sys.stderr)
        return 1
    console.print(summary(store, rows, ontology))
    shown = files[0] if len(files) == 1 else f'{len(files)} files in {args.out}'
    console.print(f'Pictures: {escape(str(shown))}.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
