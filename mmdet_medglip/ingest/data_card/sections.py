"""The parts of a data card, each from the numbers of a store."""

from collections import Counter
from collections.abc import Sequence

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.pages import Cell, Link, Section, Table, percent
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import SPLITS

from .rejects_summary import RejectGroup
from .statements import leakage, source_entries
from .statistics import MOST_BOXES, PatientNumbers, Statistics

__all__ = [
    'boxes',
    'boxes_per_image',
    'glance',
    'groups',
    'labels',
    'modalities',
    'quality',
    'sources',
    'splits',
]

_QUANTILES = (0.05, 0.5, 0.95)
_UNKNOWN_GROUP = 'not in the ontology'
_BOX_RANGES = {str(number): (number, number) for number in range(6)} | {
    '6 to 10': (6, 10),
    '11 to 20': (11, 20),
    '21 to 49': (21, MOST_BOXES - 1),
    f'{MOST_BOXES} or more': (MOST_BOXES, MOST_BOXES),
}


def glance(
    store: GroundingStore, numbers: Statistics, patients: PatientNumbers, ontology: Ontology
) -> Section:
    """Sum the store up in one table."""
    totals, regions = numbers.totals, numbers.regions
    negatives = numbers.modality_negatives.total()
    regions_of, classes = groups(numbers, ontology)
    rows = [
        ('images', numbers.records, ''),
        ('images without region (negatives)', negatives, percent(negatives, numbers.records)),
        ('regions', regions, ''),
        ('regions with mask', totals['masks'], percent(totals['masks'], regions)),
        ('regions named by a caption', totals['grounded'], percent(totals['grounded'], regions)),
        ('regions without label', totals['without label'], ''),
        ('patients (or groups that stay together)', patients.total, ''),
        ('images with pixel spacing', totals['with spacing'], ''),
        ('images with caption', totals['with caption'], ''),
        ('modalities', len(store.modalities), ''),
        ('body regions', len(regions_of), ''),
        ('classes', len(classes), ''),
        ('labels', len(numbers.labels), ''),
        ('sources', len(numbers.source_regions), ''),
    ]
    return Section('At a glance', tables=[Table(('', 'number', 'share'), rows)])


def modalities(store: GroundingStore, numbers: Statistics) -> Section:
    """Count by modality."""
    rows: list[Sequence[Cell]] = []
    for name in store.modalities:
        images = [numbers.modality_images[name, split] for split in SPLITS]
        regions = sum(numbers.modality_regions[name, split] for split in SPLITS)
        present = sum(name in entry.modalities for entry in numbers.labels.values())
        negatives = numbers.modality_negatives[name]
        rows.append((name, sum(images), *images, regions, negatives, present))
    columns = ('modality', 'images', *SPLITS, 'regions', 'negatives', 'labels')
    return Section('Modalities', tables=[Table(columns, rows)])


def splits(store: GroundingStore, numbers: Statistics, patients: PatientNumbers) -> Section:
    """Count by split, and say what is known of leakage between them."""
    rows = [
        (split, numbers.images_of(split), numbers.regions_of(split), patients.by_split[split])
        for split in SPLITS
    ]
    return Section(
        'Splits and leakage',
        text=leakage(store, numbers, patients),
        tables=[Table(('split', 'images', 'regions', 'patients'), rows)],
    )


def sources(store: GroundingStore, numbers: Statistics, patients: PatientNumbers) -> Section:
    """List the sources with their licences."""
    rows: list[Sequence[Cell]] = []
    for name, entry in source_entries(store).items():
        images = [numbers.source_images[name, split] for split in SPLITS]
        kinds = ', '.join(sorted(numbers.source_modalities[name]))
        licences = '; '.join(sorted(numbers.source_licences[name])) or entry.get('licence')
        counts: list[Cell] = [sum(images), *images, numbers.source_regions[name]]
        people = patients.by_source.get(name, 0)
        title, url = entry.get('title') or None, entry.get('url')
        link = Link(str(url)) if url else None
        rows.append((name, title, kinds, licences, *counts, people, link))
    columns = ('source', 'title', 'modality', 'licence', 'images', *SPLITS, 'regions')
    licences = [(name, count) for name, count in numbers.licences.most_common()]
    return Section(
        'Sources and licences',
        tables=[
            Table((*columns, 'patients', 'obtained from'), rows),
            Table(('licence, as stated by the source', 'images'), licences),
        ],
    )


def labels(store: GroundingStore, numbers: Statistics, ontology: Ontology) -> Section:
    """Count by body region, class and label."""
    regions, classes = groups(numbers, ontology)
    rows: list[Sequence[Cell]] = []
    for label in store.labels:
        entry = numbers.labels.get(label)
        if entry is None:
            continue
        region, parent = _place(label, ontology)
        counts = [entry.splits[split] for split in SPLITS]
        kinds = ', '.join(name for name in store.modalities if name in entry.modalities)
        name = store.display_names[label]
        area = f'{_figure(100 * entry.area.quantile(0.5))} %'
        sizes: list[Cell] = [sum(counts), *counts, len(entry.sources), area]
        rows.append((label, name, parent, region, kinds, *sizes))
    columns = ('label', 'name', 'class', 'body region', 'modality', 'regions', *SPLITS)
    return Section(
        'Body regions, classes and labels',
        tables=[
            Table(('body region', 'regions'), regions.most_common()),
            Table(('class', 'regions'), classes.most_common()),
            Table((*columns, 'sources', 'median area'), rows),
        ],
    )


def groups(numbers: Statistics, ontology: Ontology) -> tuple[Counter[str], Counter[str]]:
    """Count regions by body region and by class.

    Args:
        numbers: Numbers of a store.
        ontology: Region and class of each label.

    Returns:
        Regions by body region id, and by class id.
    """
    regions: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for label, entry in numbers.labels.items():
        region, parent = _place(label, ontology)
        regions[region] += entry.splits.total()
        classes[parent] += entry.splits.total()
    return regions, classes


def _place(label: str, ontology: Ontology) -> tuple[str, str]:
    try:
        info = ontology.info(label)
    except ValueError:
        return _UNKNOWN_GROUP, _UNKNOWN_GROUP
    return info.region, info.parent_class


def boxes(store: GroundingStore, numbers: Statistics) -> Section:
    """Tell how large boxes are."""
    rows: list[Sequence[Cell]] = []
    for name in store.modalities:
        area, aspect, length = numbers.area[name], numbers.aspect[name], numbers.length[name]
        if not area.total:
            continue
        shares = [f'{_figure(100 * area.quantile(q))} %' for q in _QUANTILES]
        aspects = [_figure(aspect.quantile(q)) for q in _QUANTILES]
        sides = [_figure(length.quantile(q)) if length.total else None for q in _QUANTILES]
        rows.append((name, area.total, *shares, *aspects, *sides))
    columns = ['modality', 'boxes']
    for what in ('area', 'width / height', 'longest side, mm'):
        columns += [f'{what}: 5 %', '50 %', '95 %']
    mean = numbers.regions / numbers.records if numbers.records else 0.0
    text = [
        'Area is a share of the image; millimetres are known where pixel spacing is. Figures are '
        'read from a histogram, right to 6 %.',
        f'There are {mean:.2f} boxes per image on average.',
    ]
    return Section('Boxes', text=text, tables=[Table(columns, rows)])


def _figure(value: float) -> str:
    """Write a number with two digits, and never as a power of ten."""
    return f'{value:.0f}' if value >= 10 else f'{value:.2g}'


def boxes_per_image(numbers: Statistics) -> dict[str, int]:
    """Count images by their number of boxes: single numbers, then ranges."""
    counts = dict.fromkeys(_BOX_RANGES, 0)
    for number, images in numbers.boxes_per_image.items():
        name = next(n for n, (low, high) in _BOX_RANGES.items() if low <= number <= high)
        counts[name] += images
    return counts


def quality(numbers: Statistics, rejects: Sequence[RejectGroup]) -> Section:
    """List flags and rejects."""
    flags: list[Sequence[Cell]] = []
    for name in sorted({flag for flag, _ in numbers.flags}):
        counts = [numbers.flags[name, split] for split in SPLITS]
        flags.append((name, sum(counts), *counts))
    rows = [
        (group.stage, group.reason, group.source, group.count, '; '.join(group.examples))
        for group in rejects
    ]
    total = sum(group.count for group in rejects)
    section = Section('Quality control')
    flagged = Table(('flag', 'images', *SPLITS), flags)
    section.sections = [
        Section(
            'Flags',
            text=['Flagged images are in the store; look at them before you rely on them.']
            if flags
            else ['No image is flagged.'],
            tables=[flagged] if flags else [],
        ),
        Section(
            'Rejects',
            text=[f'{total:,} images or regions were left out; rejects.parquet lists each.'],
            tables=[Table(('stage', 'reason', 'source', 'count', 'examples'), rows)]
            if rows
            else [],
        ),
    ]
    return section
