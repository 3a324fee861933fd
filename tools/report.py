"""Write radiology reports with and without regions, score them, and ground their sentences.

python tools/report.py generate --reports DATA --format openi-csv --images IMAGES --model NAME --out G.jsonl
python tools/report.py score --reports DATA --format openi-csv --generated G.jsonl
python tools/report.py ground --reports DATA --format openi-csv --images IMAGES --regions R.npz --out FOLDER
"""  # noqa: E501

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.downstream.command_options import (
    CONDITIONS,
    add_context_options,
    add_model_options,
    add_region_options,
    load_model,
    read_regions,
)
from mmdet_medglip.downstream.context import SpatialContext
from mmdet_medglip.downstream.line_log import read_log
from mmdet_medglip.downstream.region_matching import match_names, match_regions
from mmdet_medglip.downstream.report import SECTIONS, ReportReading
from mmdet_medglip.downstream.report.generated_report import GeneratedReport, read_generated
from mmdet_medglip.downstream.report.generation import (
    QUESTION,
    check_generation,
    generate_reports,
)
from mmdet_medglip.downstream.report.grounded_page import grounded_page
from mmdet_medglip.downstream.report.grounding import (
    Asked,
    asked_of,
    count_verdicts,
    ground_report,
)
from mmdet_medglip.downstream.report.radeval_scores import RADEVAL_METRICS
from mmdet_medglip.downstream.report.readers import (
    read_mimic_cxr,
    read_openi_csv,
    read_openi_xml,
    read_report_jsonl,
)
from mmdet_medglip.downstream.report.scoring import score_reports
from mmdet_medglip.downstream.report.text_overlap import OVERLAPS
from mmdet_medglip.downstream.vqa import RunOptions
from mmdet_medglip.evaluation import load_results
from mmdet_medglip.evaluation.json_values import json_values
from mmdet_medglip.pages import html_page, markdown_page
from mmdet_medglip.store.durable import replace_file
from mmdet_medglip.visualization.table import render_table

FORMATS = ('jsonl', 'mimic-cxr', 'openi-csv', 'openi-xml')
_SHOWN_FINDINGS = 15


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    commands = parser.add_subparsers(dest='command', required=True)
    data = argparse.ArgumentParser(add_help=False)
    group = data.add_argument_group('reports')
    group.add_argument('--reports', type=Path, required=True, help='file or folder of the set')
    group.add_argument('--format', choices=FORMATS, default='jsonl', help='its layout')
    group.add_argument('--images', type=Path, help='folder of the images')
    group.add_argument('--tables', type=Path, help='of mimic-cxr: folder of its csv files')
    group.add_argument('--views', nargs='+', help='images of these views only: Frontal, PA, ...')
    group.add_argument('--split', nargs='+', help='reports of these splits only')
    group.add_argument('--sections', choices=SECTIONS, default='findings', help='which text')
    group.add_argument('--limit', type=int, metavar='N', help='the first N reports only')
    regions = argparse.ArgumentParser(add_help=False)
    group = regions.add_argument_group('regions')
    add_region_options(group)
    group.add_argument('--max-images', type=int, default=1, help='of a report, the first ones')
    _add_generate(commands.add_parser('generate', parents=[data, regions], help='write reports'))
    _add_score(commands.add_parser('score', parents=[data], help='score generated reports'))
    ground = commands.add_parser('ground', parents=[data, regions], help='boxes for sentences')
    ground.add_argument('--condition', choices=CONDITIONS[1:], default='predicted')
    ground.add_argument(
        '--generated', type=Path, help='file of generate; by default the reports of the set'
    )
    ground.add_argument('--min-presence', type=float, default=0.5, help='from which on it is there')
    ground.add_argument('--out', type=Path, required=True, help='folder to write')
    args = parser.parse_args(arguments)
    if args.command == 'generate' and (args.condition == 'none') != (args.regions is None):
        parser.error('--regions and a --condition other than none go together')
    if args.command == 'ground' and args.regions is None:
        parser.error('ground needs --regions')
    if args.format == 'mimic-cxr' and args.tables is None:
        parser.error('--format mimic-cxr needs --tables')
    if args.views and args.format in ('jsonl', 'openi-xml'):
        parser.error(f'--views is for openi-csv and mimic-cxr, {args.format} does not say views')
    if args.limit is not None and args.limit < 1:
        parser.error('--limit must be at least 1')
    return args


def _add_generate(parser: argparse.ArgumentParser) -> None:
    add_model_options(parser, max_new_tokens=256)
    parser.add_argument('--question', default=QUESTION, help='what the model is asked')
    parser.add_argument('--condition', choices=CONDITIONS, default='none', help='whose regions')
    add_context_options(parser)
    parser.add_argument(
        '--stand-in-images', action='store_true',
        help='made pictures for missing images: checks the run, says nothing of the model',
    )  # fmt: skip


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--generated', type=Path, nargs='+', required=True, help='of generate')
    parser.add_argument('--modality', help='of the images: decides what "nodule" means')
    parser.add_argument('--overlap', nargs='*', choices=tuple(OVERLAPS), help='default: all')
    parser.add_argument('--radeval', nargs='+', default=[], choices=RADEVAL_METRICS)
    parser.add_argument('--radeval-python', type=Path, help='Python that has RadEval')
    parser.add_argument('--allow-download', action='store_true', help='RadEval may fetch weights')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all figures here')


def read_reports(args: argparse.Namespace, *, need_text: bool) -> ReportReading:
    """Read the set, and print what was taken and what was not.

    Raises:
        ValueError: No report is left.
    """
    if args.format == 'openi-csv':
        reading = read_openi_csv(args.reports, args.images, args.views)
    elif args.format == 'openi-xml':
        reading = read_openi_xml(args.reports, args.images)
    elif args.format == 'mimic-cxr':
        reading = read_mimic_cxr(args.reports, args.tables, args.images, args.views)
    else:
        reading = read_report_jsonl(args.reports, args.images)
    if args.split:
        reading = reading.of_splits(args.split)
    if need_text:
        reading = reading.with_text(args.sections)
    print(f'{args.reports}: {len(reading.records)} reports')
    for reason, count in reading.skipped_by_reason().items():
        first = next(one for one in reading.skipped if one.reason == reason)
        detail = f': {first.detail}' if first.detail else ''
        print(f'  left out: {count} x {reason}, the first is {first.report_id}{detail}')
    if not reading.records:
        raise ValueError(f'{args.reports} has no report that can be used.')
    return reading


def read_texts(path: Path) -> dict[str, GeneratedReport]:
    """Read a file of generated reports."""
    return read_generated(read_log(path), str(path))


def generate(args: argparse.Namespace) -> None:
    """Write reports."""
    records = read_reports(args, need_text=False).records[: args.limit]
    options = RunOptions(
        condition=args.condition,
        context=SpatialContext(
            text=None if args.text == 'no' else args.text,
            marks=args.marks,
            max_crops=args.max_crops,
            sides=args.sides,
        ),
        batch_size=args.batch_size,
        stand_in=args.stand_in_images,
    )
    regions = check_generation(records, options, read_regions(args), args.max_images)
    model = load_model(args)
    found = generate_reports(
        records,
        model,
        args.out,
        options,
        regions,
        question=args.question,
        max_images=args.max_images,
        cache=args.cache,
        progress=lambda done, total: print(f'{done}/{total}', flush=True),
    )
    print(
        f'{args.out}: {len(records)} reports ({found.asked} written, {found.resumed} were there, '
        f'{found.cached} from the cache)'
    )
    if args.stand_in_images:
        print('Made pictures stood in for missing images: figures say nothing of the model.')


def score(args: argparse.Namespace) -> None:
    """Print the figures of each file, and write them."""
    references = read_reports(args, need_text=True).records[: args.limit]
    written = {}
    for path in args.generated:
        generated = read_texts(path)
        scores = score_reports(
            references,
            {name: one.text for name, one in generated.items()},
            sections=args.sections,
            modality=args.modality,
            overlaps=args.overlap,
            radeval=args.radeval,
            radeval_python=args.radeval_python,
            allow_download=args.allow_download,
        )
        first = next(iter(generated.values()))
        title = f'{path}: {first.model}, regions: {first.condition}'
        print(render_table(title, ('figure', 'value'), list(scores.figures().items())))
        for name, why in scores.text.unavailable.items():
            print(f'not computed: {name}: {why}')
        by_name = scores.total().by_name
        often = sorted(by_name, key=lambda name: -(by_name[name].hits + by_name[name].missed))
        rows = [
            (name, one.hits, one.extra, one.missed, one.f1)
            for name, one in ((name, by_name[name]) for name in often[:_SHOWN_FINDINGS])
        ]
        columns = ('finding', 'hits', 'extra', 'missed', 'F1')
        print(render_table(f'{len(rows)} of {len(by_name)} findings', columns, rows))
        print(
            f'{len(scores.compared)} reports compared, {len(scores.missing)} references without '
            f'generated report and {len(scores.extra)} generated ones without reference do not '
            f'count; {len(scores.empty)} are blank.'
        )
        if any(one.picture == 'stand-in' for one in generated.values()):
            print('Made pictures were used: these figures say nothing of a model.')
        written[str(path)] = {
            'model': first.model,
            'condition': first.condition,
            'sections': args.sections,
            **scores.as_json(),
        }
    if args.json:
        text = json.dumps(json_values(written), indent=2, allow_nan=False) + '\n'
        replace_file(args.json, text.encode())


def ground(args: argparse.Namespace) -> None:
    """Write what supports each sentence: lines of JSON, Markdown, and one page of HTML."""
    records = read_reports(args, need_text=args.generated is None).records
    texts = {record.report_id: record.text(args.sections) for record in records}
    if args.generated is not None:
        texts = {name: one.text for name, one in read_texts(args.generated).items()}
    chosen = [record for record in records if record.report_id in texts][: args.limit]
    if not chosen:
        raise ValueError(f'{args.generated} has none of the reports of {args.reports}.')
    regions = read_regions(args) or {}
    used = {one.report_id: one.image_ids[: args.max_images] for one in chosen}
    wanted = [name for names in used.values() for name in names]
    found = match_regions(regions, wanted)
    asked: dict[str, Asked] | None = None
    if args.condition == 'predicted':
        known = asked_of(load_results(args.regions))
        asked = {name: known[entry] for name, entry in match_names(known, wanted).items()}
    reports = [
        ground_report(
            report_id,
            texts[report_id],
            [found[name] for name in names],
            asked=asked,
            sides=args.sides,
            min_presence=args.min_presence,
        )
        for report_id, names in used.items()
    ]
    pictures = {
        name: path
        for record in chosen
        for name, path in zip(record.image_ids, record.image_paths, strict=True)
        if path is not None
    }
    page = grounded_page(reports, pictures, f'Grounded reports of {args.reports.name}')
    (args.out / 'pictures').mkdir(parents=True, exist_ok=True)
    lines = ''.join(json.dumps(one.as_json(), ensure_ascii=False) + '\n' for one in reports)
    replace_file(args.out / 'grounded.jsonl', lines.encode())
    replace_file(args.out / 'grounded.html', html_page(page).encode())
    replace_file(args.out / 'grounded.md', markdown_page(page).encode())
    for section in page.sections:
        for picture in section.pictures:
            replace_file(args.out / picture.file, picture.embedded)
    for verdict, count in count_verdicts(reports).items():
        print(f'{count} sentences: {verdict}')
    print(f'{args.out}: {len(reports)} reports, {len(wanted)} images')


def main(arguments: list[str] | None = None) -> None:
    """Run one of the commands."""
    args = parse_args(arguments)
    try:
        {'generate': generate, 'score': score, 'ground': ground}[args.command](args)
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
