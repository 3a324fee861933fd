"""Report of a suite: results.json, report.md with its pictures, report.html that holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from rich.table import Table as ConsoleTable

from mmdet_medglip.pages import Page, Picture, html_page, markdown_page
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.store.durable import replace_file
from mmdet_medglip.version import __version__

from . import tables
from .analysis import Analysis, analyse
from .leakage import Leakage
from .plan import Run
from .sections import (
    Draw,
    about_section,
    cases_section,
    costs_section,
    curves_section,
    errors_section,
    leakage_section,
    scores_section,
)
from .suite import Suite

__all__ = ['make_page', 'summary_table', 'write_report']

HTML_FILE, MARKDOWN_FILE, JSON_FILE = 'report.html', 'report.md', 'results.json'
PICTURES_DIR = 'pictures'
NOTICE = (
    'For research only: not a medical device, not for clinical use. Figures are of the images and '
    'the budgets named here, and say nothing of other ones.'
)


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
    sections = [about_section(suite, found), leakage_section(leakage)]
    if found.entries:
        sections += [
            scores_section(suite, found, draw),
            curves_section(found, draw),
            errors_section(found, draw),
            costs_section(found),
            cases_section(suite, found, store, draw),
        ]
    return Page(f'Benchmark {suite.name}: {suite.title}', NOTICE, sections)


def summary_table(found: Analysis) -> ConsoleTable:
    """Lay out the main table for the console."""
    shown = tables.score_table(found)
    table = ConsoleTable(*shown.columns, title='AP50')
    for row in shown.rows:
        table.add_row(*(tables.plain(cell) for cell in row))
    for name, reason in found.not_run.items():
        table.add_row(name, f'not run: {reason.splitlines()[0]}', *[''] * (len(shown.columns) - 2))
    return table
