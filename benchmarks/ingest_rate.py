"""How fast sources become a store, and what a second worker brings.

    python benchmarks/ingest_rate.py --data-root data/raw --recipes kvasir_seg drishti_gs
    python benchmarks/ingest_rate.py                       # phantoms, made on the spot

Ingests the sources into a new store, then the sources and a copy of each under another name into
another; the difference of the two times is the work on the sources without the start of the
workers. Runs with 1 and 2 workers alternate. Prints the median of the rates and of the ratios;
with --json the last line is JSON.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.ingest import Recipe, load_recipe, run_ingest


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--data-root', type=Path, help='folder of the data sets')
    parser.add_argument('--recipes', nargs='+', default=[], help='recipes of real data sets')
    parser.add_argument('--workers', type=int, default=2, help='workers to compare with one')
    parser.add_argument('--repeats', type=int, default=3, help='pairs of runs')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON, too')
    return parser.parse_args(argv)


def phantoms(folder: Path) -> tuple[Path, list[Recipe]]:
    """Write phantoms of CT, endoscopy and fundus; return their root and recipes."""
    from mmdet_medglip.testing.phantoms.demo import RECIPES, write_raw

    chosen = ['ct', 'endoscopy', 'fundus']
    write_raw(folder, chosen)
    return folder, [load_recipe(RECIPES / f'{name}.yaml') for name in chosen]


def timed(recipes: Sequence[Recipe], data_root: Path, workers: int) -> tuple[float, int, int]:
    """Ingest into a new store; return seconds, images and regions."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / 'store'
        start = time.perf_counter()
        reports = run_ingest(recipes, data_root, store, workers=workers)
        seconds = time.perf_counter() - start
    return seconds, sum(r.images for r in reports), sum(r.regions for r in reports)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    args = parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if args.recipes:
            data_root, recipes = args.data_root, [load_recipe(name) for name in args.recipes]
        else:
            data_root, recipes = phantoms(Path(folder))
        copies = [msgspec.structs.replace(r, name=f'{r.name}_copy') for r in recipes]
        work: dict[int, list[float]] = {1: [], args.workers: []}
        starts: list[float] = []
        for _ in range(args.repeats):
            for workers, seconds in work.items():
                once, images, regions = timed(recipes, data_root, workers)
                twice, _, _ = timed([*recipes, *copies], data_root, workers)
                seconds.append(twice - once)
                if workers == 1:
                    starts.append(2 * once - twice)
    ratios = [a / b for a, b in zip(work[1], work[args.workers], strict=True)]
    figures = {
        'images': images,
        'regions': regions,
        'workers': args.workers,
        'start_s': round(statistics.median(starts), 2),
        'work_s': round(statistics.median(work[1]), 2),
        'images_per_s_per_core': round(images / statistics.median(work[1]), 1),
        'speed_up': round(statistics.median(ratios), 2),
        'speed_ups': [round(ratio, 2) for ratio in ratios],
    }
    for name, value in figures.items():
        print(f'{name:24} {value}')
    if args.json:
        print(json.dumps(figures))
    return 0


if __name__ == '__main__':
    sys.exit(main())
