"""Tables of boxes."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from .draft import Draft
from .listings import IMAGES
from .scan import Scan, stem_of, suffix_of

__all__ = ['guess_csv']

_LINES = 200
_BOXES = (
    {'x1': ('xmin', 'x_min', 'x1', 'left'), 'y1': ('ymin', 'y_min', 'y1', 'top')}
    | {'x2': ('xmax', 'x_max', 'x2', 'right'), 'y2': ('ymax', 'y_max', 'y2', 'bottom')},
    {'x': ('x', 'bbox_x'), 'y': ('y', 'bbox_y')}
    | {'w': ('w', 'width', 'bbox_w', 'bbox_width'), 'h': ('h', 'height', 'bbox_h', 'bbox_height')},
    {'bbox': ('bbox', 'box', 'boxes', 'bounding_box', 'bounding_boxes')},
)
_IMAGE_COLUMNS = ('image', 'image_id', 'imageid', 'filename', 'file_name', 'file', 'image_index')
_MORE = {'patientid': 'image', 'image_name': 'image', 'img': 'image', 'path': 'image'}
_LABEL_COLUMNS = ('label', 'class', 'class_name', 'category', 'finding', 'finding_label', 'name')


def guess_csv(scan: Scan) -> Draft | None:
    """Look for tables with columns of boxes and of images that are here."""
    stems = {stem_of(name): name for name in scan.of(*IMAGES)}
    names_here = {PurePosixPath(name).name: name for name in scan.of(*IMAGES)}
    tables: list[tuple[str, dict[str, str], list[dict[str, str]]]] = []
    for file in scan.of('.csv'):
        rows = _rows(scan, file)
        columns = _columns(list(rows[0])) if rows else None
        if columns is not None:
            tables.append((file, columns, rows))
    if not tables or not stems:
        return None
    first = tables[0]
    alike = [table for table in tables if table[1] == first[1]]
    columns = dict(first[1])
    fields = _image_option(columns, first, stems, names_here)
    if fields is None and len(alike) > 1:
        fields = _one_table_per_image(alike, stems)
    if fields is None:
        return None
    options: dict[str, Any] = {**fields, 'columns': columns}
    names = (
        sorted({row[columns['label']] for *_, rows in alike for row in rows} - {''})
        if ('label' in columns)
        else []
    )
    labelled = []
    if 'label' not in columns:
        labelled = [(options, ' '.join(table[0] for table in alike[:1]))]
    images = list(stems.values())
    return Draft(
        'CsvReader',
        options,
        {
            'reader': f'{len(alike)} csv files with the columns of boxes',
            'columns': 'by their names',
        },
        names=names,
        labelled=labelled,
        images=images,
        stems=list(stems),
    )


def _image_option(
    columns: Mapping[str, str],
    table: tuple[str, Any, list[dict[str, str]]],
    stems: Mapping[str, str],
    names: Mapping[str, str],
) -> dict[str, str] | None:
    """Say where the images of a table lie, from the first rows that name one."""
    if 'image' not in columns:
        return None
    for row in table[2]:
        told = row[columns['image']]
        image = names.get(told) or stems.get(told)
        if image is not None:
            folder = PurePosixPath(image).parent.as_posix()
            end = '' if told in names else suffix_of(image)
            start = '' if folder == '.' else f'{folder}/'
            return {'images': f'{start}{{image}}{end}', 'annotations': table[0]}
    return None


def _one_table_per_image(
    tables: Iterable[tuple[str, Any, Any]], stems: Mapping[str, str]
) -> dict[str, str] | None:
    for file, *_ in tables:
        image = stems.get(stem_of(file))
        if image is not None:
            here, there = PurePosixPath(file).parent, PurePosixPath(image).parent
            return {
                'images': str(there / f'{{stem}}{suffix_of(image)}'),
                'annotations': str(here / '{stem}.csv'),
            }
    return None


def _columns(header: list[str]) -> dict[str, str] | None:
    """Return the columns of boxes, image and label by role; None if there is no box."""
    low = {name.strip().lower().replace(' ', '_'): name for name in header if name}
    for kind in _BOXES:
        found = {
            role: next((low[alias] for alias in aliases if alias in low), None)
            for role, aliases in kind.items()
        }
        if all(found.values()):
            columns = {role: str(name) for role, name in found.items()}
            for role, aliases in (('image', _IMAGE_COLUMNS), ('label', _LABEL_COLUMNS)):
                name = next((low[alias] for alias in aliases if alias in low), None)
                name = name or next(
                    (low[a] for a, r in _MORE.items() if r == role and a in low), None
                )
                if name is not None:
                    columns[role] = name
            return columns
    return None


def _rows(scan: Scan, file: str) -> list[dict[str, str]]:
    text = scan.head(file).decode('utf-8', 'replace')
    lines = text.splitlines()
    if len(text.encode()) >= 65_000:
        lines = lines[:-1]
    try:
        rows = list(csv.DictReader(io.StringIO('\n'.join(lines[: _LINES + 1]))))
    except csv.Error:
        return []
    return [{str(k): str(v or '') for k, v in row.items() if k is not None} for row in rows]
