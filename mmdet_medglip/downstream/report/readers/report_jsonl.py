"""Reports as JSON lines: the format of our own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmdet_medglip.store.durable import replace_file

from ..reading import ReportReading, SkippedReport
from ..record import ReportRecord
from .images import find_images

__all__ = ['read_report_jsonl', 'write_report_jsonl']

_NEEDED = ('report_id', 'image_ids')
_KEYS = (*_NEEDED, 'image_paths', 'findings', 'impression', 'patient_id', 'split')
_MAX_LINE = 4_000_000


def read_report_jsonl(path: Path, images: Path | None = None) -> ReportReading:
    """Read reports from a file with one JSON object a line.

    Keys are the fields of :class:`ReportRecord`; ``report_id`` and ``image_ids`` must be there,
    ``image_paths`` are relative to the folder ``images``, null where there is none. Blank lines
    do not count.

    Args:
        path: The file.
        images: Folder of the images; the folder of the file if None.

    Returns:
        The reports in the order of the file. Left out are lines that are no such object, of an id
        that was there before, or whose images all lack; and single images.

    Raises:
        FileNotFoundError: The file or the folder is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'File of reports {path} does not exist.')
    folder = path.parent if images is None else Path(images)
    if not folder.is_dir():
        raise FileNotFoundError(f'Folder of images {folder} does not exist.')
    records: dict[str, ReportRecord] = {}
    skipped: list[SkippedReport] = []
    for number, line in _lines(path):
        place = f'line {number}'
        try:
            entry = _parse(line)
            record = _record(entry, folder, skipped)
        except ValueError as error:
            skipped.append(SkippedReport(place, 'line is no report', str(error)))
            continue
        if record is None:
            skipped.append(SkippedReport(str(entry['report_id']), 'no image'))
        elif record.report_id in records:
            skipped.append(SkippedReport(record.report_id, 'id is there twice', place))
        else:
            records[record.report_id] = record
    return ReportReading(tuple(records.values()), tuple(skipped), str(path))


def write_report_jsonl(
    path: Path, records: Iterable[ReportRecord], images: Path | None = None
) -> None:
    """Write reports so that :func:`read_report_jsonl` gives them back.

    Args:
        path: File to write; an older one is replaced.
        records: The reports.
        images: Folder that paths are written relative to; the folder of the file if None.

    Raises:
        ValueError: An image lies outside the folder.
    """
    path = Path(path)
    folder = (path.parent if images is None else Path(images)).resolve()
    lines = []
    for record in records:
        paths = [one and _relative(one, folder, record.report_id) for one in record.image_paths]
        entry = {
            'report_id': record.report_id,
            'image_ids': list(record.image_ids),
            'image_paths': paths,
            'findings': record.findings,
            'impression': record.impression,
            'patient_id': record.patient_id,
            'split': record.split,
        }
        lines.append(json.dumps(entry, ensure_ascii=False) + '\n')
    replace_file(path, ''.join(lines).encode())


def _relative(path: Path, folder: Path, report_id: str) -> str:
    try:
        return path.resolve().relative_to(folder).as_posix()
    except ValueError:
        raise ValueError(
            f'Report {report_id!r}: the image {path} lies outside {folder}; name a folder above '
            'all images.'
        ) from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open('rb') as file:
        number = 0
        while line := file.readline(_MAX_LINE):
            number += 1
            if line.strip():
                yield number, line
            while line and len(line) == _MAX_LINE and not line.endswith(b'\n'):
                line = file.readline(_MAX_LINE)


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) == _MAX_LINE:
        raise ValueError(f'it has over {_MAX_LINE} bytes')
    try:
        entry = json.loads(line.decode('utf-8-sig'))
    except (ValueError, RecursionError) as error:
        raise ValueError(f'it is not JSON ({error})') from None
    if not isinstance(entry, dict):
        raise ValueError(f'expected an object, got {type(entry).__name__}')
    for key in _NEEDED:
        if key not in entry:
            raise ValueError(f'it lacks {key!r}')
    for key in entry:
        if key not in _KEYS:
            raise ValueError(f'it has the key {key!r:.60}; known are {", ".join(_KEYS)}')
    return entry


def _record(
    entry: dict[str, Any], folder: Path, skipped: list[SkippedReport]
) -> ReportRecord | None:
    """Return the report; None if none of its images is there."""
    ids = _strings(entry, 'image_ids')
    paths = entry.get('image_paths')
    if paths is None:
        paths = [None] * len(ids)
    if not isinstance(paths, list) or not all(p is None or isinstance(p, str) for p in paths):
        raise ValueError(f'image_paths must be a list of paths or null, got {paths!r:.80}')
    texts = {name: entry.get(name) or '' for name in _KEYS[3:]}
    record = ReportRecord(entry['report_id'], ids, tuple(p and Path(p) for p in paths), **texts)
    kept: list[tuple[str, Path | None]] = []
    for image_id, relative in zip(ids, paths, strict=True):
        if relative is None:
            kept.append((image_id, None))
            continue
        found, files, missing = find_images(record.report_id, [(image_id, relative)], folder)
        skipped += missing
        kept += zip(found, files, strict=True)
    if not kept:
        return None
    image_ids, image_paths = zip(*kept, strict=True)
    return ReportRecord(record.report_id, image_ids, image_paths, **texts)


def _strings(entry: dict[str, Any], name: str) -> tuple[str, ...]:
    value = entry[name]
    if not isinstance(value, list):
        raise ValueError(f'{name} must be a list of names, got {value!r:.80}')
    return tuple(value)
