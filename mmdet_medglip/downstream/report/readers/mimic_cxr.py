"""MIMIC-CXR: reports as text files, JPEG images, splits and metadata as csv."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..reading import ReportReading, SkippedReport
from ..record import ReportRecord
from .images import find_images
from .mimic_sections import split_sections

__all__ = ['read_mimic_cxr']

_SPLIT = 'mimic-cxr-2.0.0-split.csv'
_METADATA = 'mimic-cxr-2.0.0-metadata.csv'
_SPLITS = {'train': 'train', 'validate': 'val', 'test': 'test'}
_MAX_TABLE = 1 << 30
_MAX_REPORT = 1 << 20
_DIGITS = re.compile(r'\d{1,12}')
_DICOM_ID = re.compile(r'[0-9A-Za-z-]{1,80}')


@dataclass
class _Study:
    """A study as the tables tell it."""

    subject: str
    split: str
    dicoms: list[str]


def read_mimic_cxr(
    reports: Path, tables: Path, images: Path | None = None, views: Collection[str] | None = None
) -> ReportReading:
    """Read MIMIC-CXR in the layout of its releases.

    Reports are ``files/p10/p10000032/s50414267.txt`` of ``mimic-cxr-reports``; images are
    ``files/p10/p10000032/s50414267/<dicom id>.jpg`` of MIMIC-CXR-JPG, whose
    ``mimic-cxr-2.0.0-split.csv`` and ``-metadata.csv``, plain or ``.gz``, say which images a study
    has. A report id is ``s`` and the number of the study, a patient id ``p`` and that of the
    subject. ``validate`` becomes ``val``.

    Args:
        reports: Folder that holds ``files`` with the text files.
        tables: Folder of the two tables; the metadata is read only where ``views`` is given.
        images: Folder that holds ``files`` with the JPEG files; None reads text alone.
        views: Keep images of these values of ``ViewPosition`` only, such as ``PA``; None keeps
            all.

    Returns:
        The reports in the order of the split table. Left out are studies without report file,
        without the sections findings and impression, or without images; and single images.

    Raises:
        FileNotFoundError: A folder or table is not there.
        ValueError: A table is broken, too large or lacks a column.
    """
    for folder in (reports, tables, images):
        if folder is not None and not Path(folder).is_dir():
            raise FileNotFoundError(f'Folder {folder} does not exist.')
    skipped: list[SkippedReport] = []
    view_of = None if views is None else _views(Path(tables))
    wanted = None if views is None else {view.upper() for view in views}
    studies = _studies(Path(tables), skipped)
    records = []
    for number, study in studies.items():
        report_id = f's{number}'
        place = f'files/p{study.subject[:2]}/p{study.subject}/s{number}'
        try:
            text = _report_text(Path(reports) / f'{place}.txt')
        except (OSError, ValueError) as error:
            is_missing = isinstance(error, FileNotFoundError)
            reason = 'report file is missing' if is_missing else 'file cannot be read'
            skipped.append(SkippedReport(report_id, reason, str(error)))
            continue
        sections = split_sections(text)
        if not sections.findings and not sections.impression:
            skipped.append(SkippedReport(report_id, 'no findings and no impression'))
            continue
        named = []
        for dicom in study.dicoms:
            if view_of is not None and wanted is not None:
                view = view_of.get(dicom, '')
                if view.upper() not in wanted:
                    detail = f'{dicom}: {view or "view not known"}'
                    skipped.append(SkippedReport(report_id, 'image of another view', detail))
                    continue
            named.append((dicom, f'{place}/{dicom}.jpg'))
        ids, paths, missing = find_images(report_id, named, images and Path(images))
        skipped += missing
        if not ids:
            skipped.append(SkippedReport(report_id, 'no image'))
            continue
        findings, impression = sections.findings, sections.impression
        patient = f'p{study.subject}'
        records.append(
            ReportRecord(report_id, ids, paths, findings, impression, patient, study.split)
        )
    return ReportReading(tuple(records), tuple(skipped), str(reports))


def _studies(tables: Path, skipped: list[SkippedReport]) -> dict[str, _Study]:
    studies: dict[str, _Study] = {}
    columns = ('dicom_id', 'study_id', 'subject_id', 'split')
    for line, (dicom, study, subject, split) in _rows(tables, _SPLIT, columns):
        is_sane = all(map(_DIGITS.fullmatch, (study, subject))) and _DICOM_ID.fullmatch(dicom)
        if not is_sane or split not in _SPLITS:
            detail = f'{dicom!r:.40}, {study!r:.40}, {subject!r:.40}, {split!r:.40}'
            skipped.append(SkippedReport(f'line {line}', 'row of the split table', detail))
            continue
        known = studies.setdefault(study, _Study(subject, _SPLITS[split], []))
        if known.subject != subject or known.split != _SPLITS[split]:
            detail = f'line {line}: another subject or split than before'
            skipped.append(SkippedReport(f's{study}', 'image contradicts its study', detail))
        elif dicom in known.dicoms:
            skipped.append(SkippedReport(f's{study}', 'image is there twice', dicom))
        else:
            known.dicoms.append(dicom)
    return studies


def _views(tables: Path) -> dict[str, str]:
    rows = _rows(tables, _METADATA, ('dicom_id', 'ViewPosition'))
    return {dicom: view for _, (dicom, view) in rows}


def _rows(
    folder: Path, name: str, columns: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield line number and cells of some columns of a table that may be compressed."""
    path = next((folder / n for n in (name, f'{name}.gz') if (folder / n).is_file()), None)
    if path is None:
        raise FileNotFoundError(f'{folder} has neither {name} nor {name}.gz.')
    try:
        reader = csv.reader(io.StringIO(_table_text(path), newline=''), strict=True)
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in columns if header.count(column) != 1]
        if missing:
            raise ValueError(
                f'{path} needs the column {missing[0]!r} once; its header is '
                f'{", ".join(header)[:200]!r}.'
            )
        places = [header.index(column) for column in columns]
        for row in reader:
            if row:
                cells = tuple(row[at].strip() if at < len(row) else '' for at in places)
                yield reader.line_num, cells
    except csv.Error as error:
        raise ValueError(f'{path} is not csv ({error}).') from None


def _table_text(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix == '.gz' else path.open('rb') as file:
            content = file.read(_MAX_TABLE + 1)
        text = content.decode('utf-8-sig')
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is damaged ({error}); download it again.') from None
    if len(content) > _MAX_TABLE:
        raise ValueError(f'{path} has over {_MAX_TABLE} bytes; it is no table of MIMIC-CXR.')
    return text


def _report_text(path: Path) -> str:
    size = path.stat().st_size
    if size > _MAX_REPORT:
        raise ValueError(f'{path} has {size} bytes, over {_MAX_REPORT}.')
    return path.read_text(encoding='utf-8')
