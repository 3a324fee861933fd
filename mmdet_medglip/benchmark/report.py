"""Report of a suite: results.json, report.md with its pictures, report.html that holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from rich.table import Table as ConsoleTable

from mmdet_medglip.pages import Page, Picture, Section, Table, html_page, markdown_page
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.store.durable import replace_file
from mmdet_medglip.version import __version__

from . import tables
from .analysis import Analysis, EntryReport, analyse
from .cases import CASE_KINDS, choose_cases, draw_cases
from .charts import difference_chart, error_chart, froc_chart, precision_chart, score_chart
from .comparison import MACRO
from .leakage import Leakage
from .plan import Run
from .suite import Suite

__all__ = ['leakage_text', 'make_page', 'summary_table', 'write_report']

HTML_FILE, MARKDOWN_FILE, JSON_FILE = 'report.html', 'report.md', 'results.json'
PICTURES_DIR = 'pictures'
NOTICE = (
    'For research only: not a medical device, not for clinical use. Figures are of the images and '
    'the budgets named here, and say nothing of other ones.'
)
_SHOWN_PAIRS, _CASES, _FEW = 12, 8, 10

Draw = Callable[[str, str, bytes, str], Picture]


def write_report(
    suite: Suite,
    runs: Sequence[Run],
    stores: Mapping[str, Path],
    leakage: Leakage,
    out: Path,
    *,
    failed: Mapping[str, str] | None = None,
    repeats: int = 1000,
) -> Analysis:
    """Analyse what is finished and write the report into a folder.

    Args:
        suite: The suite.
        runs: Its runs.
        stores: Folder of each store.
        leakage: Between training and test.
        out: Folder to write to; files of an earlier report are replaced.
        failed: Why runs failed that did, by their name.
        repeats: Resamples of the intervals.

    Returns:
        The figures.

    Raises:
        ValueError: If a result is damaged, or results are of different images.
        OSError: If the report cannot be written.
    """
    found = analyse(suite, runs, failed=failed, repeats=repeats)
    folder = out / PICTURES_DIR
    folder.mkdir(parents=True, exist_ok=True)

    def keep(stem: str, alt: str, content: bytes, kind: str) -> Picture:
        suffix = 'jpg' if kind == 'image/jpeg' else 'png'
        replace_file(folder / f'{stem}.{suffix}', content)
        return Picture(f'{PICTURES_DIR}/{stem}.{suffix}', alt, content, kind)

    page = make_page(suite, found, leakage, GroundingStore(stores[suite.test_on]), keep)
    content = {
        'suite': suite.name,
        'title': suite.title,
        'reference': suite.reference,
        'version': __version__,
        'repeats': repeats,
        'leakage': msgspec.to_builtins(leakage),
        **found.as_json(),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + '\n'
    replace_file(out / JSON_FILE, text.encode())
    replace_file(out / MARKDOWN_FILE, markdown_page(page).encode())
    replace_file(out / HTML_FILE, html_page(page).encode())
    return found


def make_page(
    suite: Suite, found: Analysis, leakage: Leakage, store: GroundingStore, draw: Draw
) -> Page:
    """Lay the report out.

    Args:
        suite: The suite.
        found: Its figures.
        leakage: Between training and test.
        store: Of the test images.
        draw: Keeps a picture: file stem, what it shows, bytes and media type.

    Returns:
        The page.
    """
    sections = [_about(suite, found), _leakage(leakage)]
    if found.entries:
        sections += [
            _scores(suite, found, draw),
            _curves(found, draw),
            _errors(found, draw),
            _costs(found),
            _cases(suite, found, store, draw),
        ]
    return Page(f'Benchmark {suite.name}: {suite.title}', NOTICE, sections)


def leakage_text(leakage: Leakage) -> list[str]:
    """Say in sentences what test and training have in common."""
    text = [
        f'{leakage.test_images:,} test images of {leakage.test_patients:,} patients were compared '
        f'with {leakage.other_images:,} images for training and validation.',
        f'Patients on both sides: {len(leakage.patients):,}. Test images with equal pixels on the '
        f'other side: {len(leakage.copies):,}.',
    ]
    if leakage.found:
        text.append('This is leakage: do not trust the test figures.')
    if leakage.near_copies:
        text.append(
            f'Pairs of nearly equal images of different patients: {len(leakage.near_copies):,}. '
            'They can be copies, or different images that look alike.'
        )
    if leakage.unknown:
        text.append(f'{leakage.unknown:,} images have no fingerprint and were not compared.')
    return text


def summary_table(found: Analysis) -> ConsoleTable:
    """Lay out the main table for the console."""
    shown = tables.score_table(found)
    table = ConsoleTable(*shown.columns, title='AP50')
    for row in shown.rows:
        table.add_row(*(tables.plain(cell) for cell in row))
    for name, reason in found.not_run.items():
        table.add_row(name, f'not run: {reason.splitlines()[0]}', *[''] * (len(shown.columns) - 2))
    return table


def _about(suite: Suite, found: Analysis) -> Section:
    counts = ', '.join(f'{name} {number:,}' for name, number in found.images.items())
    text = [
        suite.description,
        f'{len(found.entries)} of {len(suite.entries)} entries, seeds '
        f'{", ".join(map(str, suite.seeds))}. Test images: {counts or "none yet"}; '
        f'{found.patients:,} patients. mmdet-medglip {__version__}.',
    ]
    section = Section('What was compared', text=text)
    if found.not_run:
        rows = [(name, reason) for name, reason in found.not_run.items()]
        section.sections.append(Section('Not run', tables=[Table(('run', 'why'), rows)]))
    stale = [(entry.name, ', '.join(entry.stale)) for entry in found.entries if entry.stale]
    if stale:
        note = 'These results were made before something changed that they depend on.'
        part = Section('Out of date', text=[note], tables=[Table(('entry', 'changed'), stale)])
        section.sections.append(part)
    return section


def _leakage(leakage: Leakage) -> Section:
    section = Section('Leakage', text=leakage_text(leakage))
    for title, pairs in (
        ('Equal images', leakage.copies),
        ('Nearly equal images', leakage.near_copies),
    ):
        if pairs:
            rows = [(pair.test, pair.other, pair.where) for pair in pairs[:_SHOWN_PAIRS]]
            table = Table(('test image', 'other image', 'where'), rows)
            more = [f'The first {len(rows)} of {len(pairs)}.'] if len(pairs) > len(rows) else []
            section.sections.append(Section(title, text=more, tables=[table]))
    if leakage.patients:
        rows = [(patient,) for patient in leakage.patients[:_SHOWN_PAIRS]]
        section.sections.append(Section('Patients', tables=[Table(('patient',), rows)]))
    return section


def _scores(suite: Suite, found: Analysis, draw: Draw) -> Section:
    section = Section(
        'Scores',
        text=[
            'AP50 of a modality is the mean over its labels; macro is the mean over modalities; '
            'both are means over seeds. In brackets the 95 % interval of a bootstrap over '
            'patients. Images seen are those of all trainings, with repetitions; zero-shot entries '
            'saw none of the data that is tested.',
            *_few_patients(found),
        ],
        tables=[tables.score_table(found), tables.budget_table(found)],
        pictures=[
            draw('scores', 'AP50 by modality', score_chart(found.entries, found.modalities),
                 'image/png'),
        ],
    )  # fmt: skip
    compared = [entry for entry in found.entries if entry.scores.difference]
    if compared:
        part = Section(
            f'Difference from {suite.reference}',
            text=[
                'Patients are resampled for both at once, so that the interval is that of the '
                'difference; one that leaves out zero is more than chance between patients.'
            ],
            tables=[tables.difference_table(found)],
            pictures=[
                draw('differences', f'Macro AP50 less that of {suite.reference}',
                     difference_chart(found.entries, suite.reference), 'image/png'),
            ],
        )  # fmt: skip
        section.sections.append(part)
    return section


def _few_patients(found: Analysis) -> list[str]:
    few = [name for name, number in found.patients_of.items() if number < _FEW]
    return [f'Fewer than {_FEW} patients, so that intervals are too narrow: {", ".join(few)}.'] * (
        len(few) > 0
    )


def _curves(found: Analysis, draw: Draw) -> Section:
    chosen = (found.entries, found.modalities)
    return Section(
        'Curves',
        text=[
            'Precision over recall at IoU 0.5, the mean over labels: the area under it is AP50. '
            'FROC counts a box as right at IoU 0.1, all labels in one curve; the table is '
            'sensitivity at numbers of false boxes per image.'
        ],
        tables=[tables.froc_table(found)],
        pictures=[
            draw('precision', 'Precision over recall', precision_chart(*chosen), 'image/png'),
            draw('froc', 'Sensitivity over false boxes per image', froc_chart(*chosen),
                 'image/png'),
        ],
    )  # fmt: skip


def _errors(found: Analysis, draw: Draw) -> Section:
    text = (
        'Boxes at the score of the best F1 of each entry. Mislocated: the right label at IoU 0.1 '
        'to 0.5. Mislabelled: IoU 0.5 with another label. Duplicate: on truth that a better box '
        'took. Hallucinated: none of these. Missed: truth that no box lies on.'
    )
    chart = draw('errors', 'Boxes by kind', error_chart(found.entries), 'image/png')
    return Section('Errors', text=[text], tables=[tables.error_table(found)], pictures=[chart])


def _costs(found: Analysis) -> Section:
    text = (
        'Active parameters are the trainable ones that an image of one modality passes through. '
        'GFLOPs are of one image, without the language model, whose answer is kept. Memory is the '
        'largest of one process; images per second are those of the test, with loading. Times '
        'compare only where the device is the same.'
    )
    return Section('Costs', text=[text], tables=[tables.cost_table(found)])


def _cases(suite: Suite, found: Analysis, store: GroundingStore, draw: Draw) -> Section:
    section = Section(
        'Cases',
        text=[
            'Truth left, boxes right, at the score of the best F1; first seed. Best and worst are '
            'by F1 of the image; random ones are the same for all entries.'
        ],
    )
    for entry in _shown(suite, found):
        results = found.results[entry.name][entry.seeds[0]]
        threshold = entry.thresholds[0]
        part = Section(entry.name)
        for kind in CASE_KINDS:
            images = choose_cases(results, kind, _CASES, threshold)
            if images:
                content = draw_cases(images, store, threshold)
                alt = f'{kind} cases of {entry.name}'
                picture = draw(f'cases-{entry.name}-{kind}', alt, content, 'image/jpeg')
                part.sections.append(Section(kind.capitalize(), pictures=[picture]))
        section.sections.append(part)
    return section


def _shown(suite: Suite, found: Analysis) -> list[EntryReport]:
    """Return the entries whose cases are shown: the best one and the reference."""
    ranked = sorted(found.entries, key=lambda entry: -entry.scores.ap50[MACRO].value)
    shown = {ranked[0].name: ranked[0]}
    shown |= {entry.name: entry for entry in found.entries if entry.name == suite.reference}
    return list(shown.values())
