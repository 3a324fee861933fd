"""Sections of a benchmark report."""

from __future__ import annotations

from collections.abc import Callable

from mmdet_medglip.pages import Picture, Section, Table
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.version import __version__

from . import tables
from .analysis import Analysis, EntryReport
from .cases import CASE_KINDS, choose_cases, draw_cases
from .charts import difference_chart, error_chart, froc_chart, precision_chart, score_chart
from .comparison import MACRO
from .leakage import Leakage
from .suite import Suite

__all__ = [
    'Draw',
    'about_section',
    'cases_section',
    'costs_section',
    'curves_section',
    'errors_section',
    'leakage_section',
    'leakage_text',
    'scores_section',
]

Draw = Callable[[str, str, bytes, str], Picture]
"""Keeps a picture: file stem, what it shows, bytes and media type."""

_SHOWN_PAIRS, _CASES, _FEW = 12, 8, 10


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


def about_section(suite: Suite, found: Analysis) -> Section:
    """What was compared, what did not run, and what is out of date."""
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


def leakage_section(leakage: Leakage) -> Section:
    """What test and training have in common."""
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
        patients = [(patient,) for patient in leakage.patients[:_SHOWN_PAIRS]]
        section.sections.append(Section('Patients', tables=[Table(('patient',), patients)]))
    return section


def scores_section(suite: Suite, found: Analysis, draw: Draw) -> Section:
    """AP50, budgets, and differences from the reference."""
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


def curves_section(found: Analysis, draw: Draw) -> Section:
    """Precision over recall, and FROC."""
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


def errors_section(found: Analysis, draw: Draw) -> Section:
    """Boxes by kind."""
    text = (
        'Boxes at the score of the best F1 of each entry. Mislocated: the right label at IoU 0.1 '
        'to 0.5. Mislabelled: IoU 0.5 with another label. Duplicate: on truth that a better box '
        'took. Hallucinated: none of these. Missed: truth that no box lies on.'
    )
    chart = draw('errors', 'Boxes by kind', error_chart(found.entries), 'image/png')
    return Section('Errors', text=[text], tables=[tables.error_table(found)], pictures=[chart])


def costs_section(found: Analysis) -> Section:
    """Size, memory and time."""
    text = (
        'Active parameters are the trainable ones that an image of one modality passes through. '
        'GFLOPs are of one image, without the language model, whose answer is kept. Memory is the '
        'largest of one process; images per second are those of the test, with loading. Times '
        'compare only where the device is the same.'
    )
    return Section('Costs', text=[text], tables=[tables.cost_table(found)])


def cases_section(suite: Suite, found: Analysis, store: GroundingStore, draw: Draw) -> Section:
    """Pictures of the best entry and of the reference."""
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
