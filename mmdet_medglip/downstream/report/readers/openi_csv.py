"""Open-i / IU X-Ray as two tables: ``indiana_reports.csv`` and ``indiana_projections.csv``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from mmdet_medglip.ingest.readers.csv_file import CsvTable, cell

from ..reading import ReportReading, SkippedReport
from ..record import ReportRecord
from .images import find_images

__all__ = ['read_openi_csv']

REPORTS = 'indiana_reports.csv'
PROJECTIONS = 'indiana_projections.csv'


def read_openi_csv(
    folder: Path, images: Path | None = None, views: Collection[str] | None = None
) -> ReportReading:
    """Read the reports of Open-i from their tables.

    An image id is the file name without its last ending, such as ``1_IM-0001-4001.dcm``. A report
    is its own patient: the source has one study of each.

    Args:
        folder: Where the two tables lie.
        images: Folder of the PNG files; None reads text alone, paths are then None.
        views: Keep images of these projections only, such as ``Frontal``, whatever their case;
            None keeps all.

    Returns:
        The reports in the order of the table. Left out are reports without findings and
        impression, without images, or of an id that was there before; and images without file.

    Raises:
        FileNotFoundError: A table or the folder of images is not there.
        ValueError: A table is not csv or lacks a column.
    """
    folder = Path(folder)
    if images is not None and not Path(images).is_dir():
        raise FileNotFoundError(f'Folder of images {images} does not exist.')
    wanted = None if views is None else {view.casefold() for view in views}
    named, skipped = _images_by_report(folder / PROJECTIONS, wanted)
    table = CsvTable(folder / REPORTS)
    places = {name: table.place(name) for name in ('uid', 'findings', 'impression')}
    records: dict[str, ReportRecord] = {}
    for start, row in table.rows():
        uid, findings, impression = (' '.join(cell(row, at).split()) for at in places.values())
        if not uid or uid in records:
            reason = 'id is there twice' if uid else 'no id'
            skipped.append(SkippedReport(uid or f'byte {start}', reason))
            continue
        if not findings and not impression:
            skipped.append(SkippedReport(uid, 'no findings and no impression'))
            continue
        ids, paths, missing = find_images(uid, named.get(uid, ()), images and Path(images))
        skipped += missing
        if not ids:
            skipped.append(SkippedReport(uid, 'no image'))
            continue
        records[uid] = ReportRecord(uid, ids, paths, findings, impression, patient_id=uid)
    return ReportReading(tuple(records.values()), tuple(skipped), str(folder))


def _images_by_report(
    path: Path, views: Collection[str] | None
) -> tuple[dict[str, list[tuple[str, str]]], list[SkippedReport]]:
    table = CsvTable(path)
    places = [table.place(name) for name in ('uid', 'filename', 'projection')]
    named: dict[str, list[tuple[str, str]]] = {}
    seen: set[str] = set()
    ids: dict[str, set[str]] = {}
    skipped = []
    for start, row in table.rows():
        uid, name, view = (cell(row, at) for at in places)
        if not name:
            skipped.append(SkippedReport(uid or f'byte {start}', 'image without file name'))
        elif name in seen or PurePosixPath(name).stem in ids.setdefault(uid, set()):
            skipped.append(SkippedReport(uid, 'image is there twice', name))
        elif views is not None and view.casefold() not in views:
            skipped.append(SkippedReport(uid, 'image of another view', f'{name}: {view}'))
        else:
            seen.add(name)
            ids[uid].add(PurePosixPath(name).stem)
            named.setdefault(uid, []).append((PurePosixPath(name).stem, name))
    return named, skipped
