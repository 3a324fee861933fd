"""Measure a result file of tools/test.py, in parts, and against another one.

python tools/evaluate.py RESULTS.npz [--by modality label ...] [--against OTHER.npz] [--json FILE]
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.evaluation import Results, load_results
from mmdet_medglip.evaluation.comparison import check_same_images, compare_parts
from mmdet_medglip.evaluation.functional.paired import PairedDifference
from mmdet_medglip.evaluation.json_values import json_values
from mmdet_medglip.evaluation.measures import interval_of, measure
from mmdet_medglip.evaluation.parts import PARTS_BY, Part, parts_of, whole
from mmdet_medglip.evaluation.settings import Settings
from mmdet_medglip.evaluation.volume_results import measure_volumes, volumes_of
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.visualization.table import render_table
from mmdet_medglip.volumes import LinkSettings

TITLES = {
    'coco': 'Detection (COCO)',
    'froc': 'FROC, sensitivity at false boxes per image',
    'phrase': 'Phrase grounding',
    'presence': 'Presence',
    'volume': '3-D boxes, by volume',
}
COLUMNS_AT_MOST = 9  # columns of a table besides its name


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    default = Settings()
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('results', type=Path, help='file of tools/test.py --results')
    parser.add_argument(
        '--by', nargs='+', default=[], choices=PARTS_BY, metavar='WHAT',
        help=f'also in parts, of: {", ".join(PARTS_BY)}',
    )  # fmt: skip
    parser.add_argument(
        '--against', type=Path, metavar='OTHER.npz',
        help='a file of the same images: print what RESULTS has more than it, and how sure that is',
    )  # fmt: skip
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all figures here')
    parser.add_argument(
        '--repeats', type=int, default=1000, help='resamples of patients; 0: no intervals'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the resamples')
    parser.add_argument(
        '--backend', default=default.backend, help='pycocotools or faster_coco_eval'
    )
    parser.add_argument(
        '--score', type=float, default=default.score, help='boxes from this score on are answered'
    )
    parser.add_argument('--iou', type=float, default=default.iou, help='of a hit of a phrase')
    parser.add_argument('--froc-iou', type=float, default=default.froc_iou, help='of a hit in FROC')
    parser.add_argument(
        '--volumes', action='store_true',
        help='also link the boxes of slices of one series, and measure the 3-D boxes',
    )  # fmt: skip
    link = LinkSettings()
    parser.add_argument(
        '--link-overlap', type=float, default=link.overlap, help='share of the smaller box'
    )
    parser.add_argument(
        '--link-gap', type=int, default=link.max_gap, help='slices that may lack a box'
    )
    parser.add_argument(
        '--link-end', type=float, default=link.end_score,
        help='share of its best score below which an object ends',
    )  # fmt: skip
    parser.add_argument(
        '--link-score', default=link.score, help='score of a 3-D box: max or mean of its slices'
    )
    parser.add_argument('--ontology', help='YAML file of an own ontology')
    args = parser.parse_args()
    if args.against and not args.repeats:
        parser.error('--against needs --repeats of at least 1')
    return args


def part_all(results: Results, args: argparse.Namespace) -> dict[str, Part]:
    """Return everything, and the parts that were asked for, as 'modality/ct'."""
    ontology = Ontology.from_yaml(args.ontology) if args.ontology else None
    parts = {'all': whole(results)}
    for by in args.by:
        found = parts_of(results, by, ontology)
        parts |= {f'{by}/{name}': part for name, part in found.items()}
    return parts


def print_figures(figures: Mapping[str, Mapping[str, float]]) -> None:
    """Print a table for each kind of measure, one line per part."""
    names = list(dict.fromkeys(name for of_part in figures.values() for name in of_part))
    for group, title in TITLES.items():
        own = [name for name in names if name.startswith(f'{group}/')]
        for start in range(0, len(own), COLUMNS_AT_MOST):
            shown = own[start : start + COLUMNS_AT_MOST]
            columns = [name.partition('/')[2].replace('sensitivity@', '@') for name in shown]
            rows = [
                (part, *(of_part.get(name, float('nan')) for name in shown))
                for part, of_part in figures.items()
            ]
            print(render_table(title, ('part', *columns), rows))


def is_shown(part: str, name: str) -> bool:
    """Whether a measure says something of its own: of one modality, the macro AP50 is the AP50."""
    return name != 'coco/macro_AP50' or not part.startswith('modality/')


def add_volumes(
    figures: dict[str, dict[str, float]], parts: Mapping[str, Part], args: argparse.Namespace
) -> dict[str, int]:
    """Add the measures of 3-D boxes to every part that has volumes; return what is in none."""
    link = LinkSettings(
        overlap=args.link_overlap,
        max_gap=args.link_gap,
        end_score=args.link_end,
        score=args.link_score,
    )
    everything = volumes_of(parts['all'], link)
    for name, part in parts.items():
        if not name.startswith(('size/', 'level/')):
            found = everything if name == 'all' else volumes_of(part, link)
            figures[name] |= measure_volumes(found, args.froc_iou)
    left_out = dict(everything.left_out)
    print(f'{len(everything.volumes)} volumes')
    for why, count in left_out.items():
        print(f'in no volume: {count} images, {why}')
    return left_out


def print_intervals(
    figures: Mapping[str, Mapping[str, float]],
    intervals: Mapping[str, Mapping[str, tuple[float, float]]],
) -> None:
    """Print values with their bounds."""
    rows = [
        (f'{part} {name}', figures[part][name], *bounds)
        for part, of_part in intervals.items()
        for name, bounds in of_part.items()
        if is_shown(part, name)
    ]
    if rows:
        title = '95 % intervals over patients'
        print(render_table(title, ('measure', 'value', 'low', 'high'), rows))


def print_comparison(comparison: Mapping[str, Mapping[str, PairedDifference]]) -> None:
    """Print differences with their bounds and p-values."""
    columns = ('measure', 'other', 'this', 'more', 'low', 'high', 'p boot', 'p swap', 'patients')
    rows = [
        (
            f'{part} {name}',
            *(one.first, one.second, one.difference, one.low, one.high),
            *(one.p_bootstrap, one.p_swap, one.clusters),
        )
        for part, of_part in comparison.items()
        for name, one in of_part.items()
        if is_shown(part, name)
    ]
    print(render_table('Difference, 95 % interval over patients', columns, rows))


def compare(
    results: Results, parts: Mapping[str, Part], settings: Settings, args: argparse.Namespace
) -> dict[str, dict[str, PairedDifference]]:
    """Compare every part with that of the other file."""
    other = load_results(args.against)
    check_same_images(other, results)
    others = part_all(other, args)
    return {
        name: compare_parts(others[name], part, settings, repeats=args.repeats, seed=args.seed)
        for name, part in parts.items()
    }


def main() -> None:
    """Print the tables."""
    args = parse_args()
    settings = Settings(
        backend=args.backend, froc_iou=args.froc_iou, iou=args.iou, score=args.score
    )
    try:
        results = load_results(args.results)
        parts = part_all(results, args)
        figures = {name: measure(part, settings) for name, part in parts.items()}
        report: dict[str, Any] = {'figures': figures}
        print(f'{args.results}: {len(results)} images, {results.config} {results.checkpoint}')
        if args.volumes:
            report['in_no_volume'] = add_volumes(figures, parts, args)
        print_figures(figures)
        if args.repeats:
            report['intervals'] = {
                name: interval_of(part, settings, repeats=args.repeats, seed=args.seed)
                for name, part in parts.items()
            }
            print_intervals(figures, report['intervals'])
        if args.against:
            report['comparison'] = compare(results, parts, settings, args)
            print(f'\nthis: {args.results}, other: {args.against}')
            print_comparison(report['comparison'])
        if args.json:
            args.json.write_text(json.dumps(json_values(report), indent=2, allow_nan=False) + '\n')
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
