"""Write the data card of a store."""

import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from mmdet_medglip.ontology import Ontology
from mmdet_medglip.pages import Page, Picture, Section, html_page, markdown_page
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.store.layout import REJECTS_FILE

from ..rejects import read_rejects
from . import sections, statements
from .charts import bar_chart, histogram_chart, split_chart
from .mosaics import MosaicPlan, draw_mosaics, file_stem
from .rejects_summary import RejectGroup, summarise_rejects
from .statistics import Statistics

__all__ = ['CARD_DIR', 'HTML_FILE', 'MARKDOWN_FILE', 'write_data_card']

CARD_DIR = 'card'
HTML_FILE = 'data_card.html'
MARKDOWN_FILE = 'data_card.md'

_SAMPLE_TITLES = {
    'modality': 'By modality',
    'label': 'By label',
    'flag': 'Flagged images',
    'negative': 'Images without region',
}


def write_data_card(
    store_root: str | Path,
    *,
    per_modality: int = 12,
    per_label: int = 4,
    ontology: Ontology | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Path:
    """Write ``data_card.md``, ``data_card.html`` and the folder ``card`` of their pictures.

    The records are walked over once; memory does not grow with their number but for eleven bytes
    each. The same store gives the same bytes. Images are drawn as the network sees them, chosen
    by the hash of their id.

    Args:
        store_root: Folder of the store; an older card in it is replaced.
        per_modality: Images on the sheet of a modality, >= 0.
        per_label: Images on the sheet of a label and of a flag, >= 0.
        ontology: Classes, regions and display names of labels; the packaged one if None.
        on_step: Called with a few words before each step, for a progress display.

    Returns:
        The Markdown file.

    Raises:
        FileNotFoundError: If there is no store, or an image that is to be shown is missing.
        ValueError: If the store or an image is damaged.
        OSError: If the card cannot be written.
    """
    store = GroundingStore(store_root)
    ontology = ontology or Ontology.default()
    tell = on_step or (lambda words: None)
    numbers, plan = Statistics(), MosaicPlan(per_modality, per_label)
    tell('reading records')
    for position, record in enumerate(store):
        numbers.add(record)
        plan.add(record, position)
    rejects = summarise_rejects(read_rejects(store.root / REJECTS_FILE))
    folder = store.root / f'.{CARD_DIR}.partial-{os.getpid()}'
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        tell('drawing charts')
        parts = _parts(store, numbers, rejects, ontology, folder)
        parts.insert(-1, _samples(store, plan, ontology, folder, tell))
        page = Page(f'Data card: {store.name}', statements.NOTICE, parts)
        pages = {MARKDOWN_FILE: markdown_page(page), HTML_FILE: html_page(page)}
        shutil.rmtree(store.root / CARD_DIR, ignore_errors=True)
        folder.rename(store.root / CARD_DIR)
        for name, text in pages.items():
            _replace(store.root / name, text)
    return store.root / MARKDOWN_FILE


def _parts(
    store: GroundingStore,
    numbers: Statistics,
    rejects: list[RejectGroup],
    ontology: Ontology,
    folder: Path,
) -> list[Section]:
    """Make all parts but the samples, with their charts."""
    patients = numbers.patients()
    modalities = sections.modalities(store, numbers)
    modalities.pictures = [
        _chart(folder, 'images-by-modality', 'Images by modality and split',
               split_chart('Images by modality', numbers.modality_images, unit='images')),
        _chart(folder, 'regions-by-modality', 'Regions by modality and split',
               split_chart('Regions by modality', numbers.modality_regions, unit='regions')),
    ]  # fmt: skip
    sources = sections.sources(store, numbers, patients)
    sources.pictures = [
        _chart(folder, 'images-by-source', 'Images by source and split',
               split_chart('Images by source', numbers.source_images, unit='images')),
    ]  # fmt: skip
    return [
        statements.intended_use(),
        sections.glance(store, numbers, patients, ontology),
        modalities,
        sections.splits(store, numbers, patients),
        sources,
        _labels(store, numbers, ontology, folder),
        _boxes(store, numbers, folder),
        _quality(numbers, rejects, folder),
        statements.making(store),
    ]


def _labels(
    store: GroundingStore, numbers: Statistics, ontology: Ontology, folder: Path
) -> Section:
    section = sections.labels(store, numbers, ontology)
    regions, classes = sections.groups(numbers, ontology)
    labels = {name: entry.splits.total() for name, entry in numbers.labels.items()}
    for what, counts in (('body region', regions), ('class', classes), ('label', labels)):
        title = f'Regions by {what}'
        stem = title.lower().replace(' ', '-')
        chart = bar_chart(title, counts, unit='regions')
        section.pictures.append(_chart(folder, stem, title, chart))
    return section


def _boxes(store: GroundingStore, numbers: Statistics, folder: Path) -> Section:
    section = sections.boxes(store, numbers)
    for stem, title, histograms, unit, mark in (
        ('box-area', 'Box area', numbers.area, 'share of the image', None),
        ('box-aspect', 'Box aspect', numbers.aspect, 'width / height', 1.0),
        ('box-length', 'Longest side of boxes', numbers.length, 'mm', None),
    ):
        found = {n: histograms[n] for n in store.modalities if histograms[n].total}
        if found:
            title += ' by modality (orange: median)'
            chart = histogram_chart(title, found, unit=unit, mark=mark)
            section.pictures.append(_chart(folder, stem, title, chart))
    counts = sections.boxes_per_image(numbers)
    title = 'Images by number of boxes'
    chart = bar_chart(title, counts, unit='images', ranked=False)
    section.pictures.append(_chart(folder, 'boxes-per-image', title, chart))
    return section


def _quality(numbers: Statistics, rejects: list[RejectGroup], folder: Path) -> Section:
    section = sections.quality(numbers, rejects)
    counts: dict[str, int] = {}
    for group in rejects:
        name = f'{group.stage}: {group.reason}'
        counts[name] = counts.get(name, 0) + group.count
    if counts:
        title = 'Rejects by stage and reason'
        chart = bar_chart(title, counts, unit='images or regions', limit=25)
        section.sections[-1].pictures.append(_chart(folder, 'rejects', title, chart))
    return section


def _samples(
    store: GroundingStore,
    plan: MosaicPlan,
    ontology: Ontology,
    folder: Path,
    tell: Callable[[str], None],
) -> Section:
    text = 'Images are windowed as for the network, and chosen by a hash of their id.'
    section = Section('Samples', text=[text])
    parts: dict[str, Section] = {}
    for mosaic in draw_mosaics(store, plan, ontology, lambda name: tell(f'drawing {name}')):
        stem = file_stem(mosaic.kind, mosaic.name)
        (folder / f'{stem}.png').write_bytes(mosaic.png())
        alt = f'Sample images: {mosaic.name or "without region"}'
        picture = Picture(f'{CARD_DIR}/{stem}.png', alt, mosaic.jpeg(), 'image/jpeg')
        part = parts.setdefault(mosaic.kind, Section(_SAMPLE_TITLES[mosaic.kind]))
        if mosaic.name:
            part.sections.append(Section(mosaic.name, pictures=[picture]))
        else:
            part.pictures.append(picture)
    section.sections = list(parts.values())
    return section


def _chart(folder: Path, stem: str, alt: str, png: bytes) -> Picture:
    (folder / f'{stem}.png').write_bytes(png)
    return Picture(f'{CARD_DIR}/{stem}.png', alt, png)


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f'.{path.name}.partial-{os.getpid()}')
    partial.write_text(text, encoding='utf-8')
    os.replace(partial, path)
