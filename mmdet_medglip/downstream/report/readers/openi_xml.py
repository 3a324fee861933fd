"""Open-i / IU X-Ray as published: one NLMCXR XML file a report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import defusedxml
from defusedxml.ElementTree import ParseError, fromstring

from ..reading import ReportReading, SkippedReport
from ..record import ReportRecord
from .images import find_images

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ['read_openi_xml']

_MAX_BYTES = 1 << 20
"""The largest file of the source has some 10 kB."""


def read_openi_xml(folder: Path, images: Path | None = None) -> ReportReading:
    """Read the reports of Open-i from the XML files of ``NLMCXR_reports.tgz``.

    The text is that of ``AbstractText`` with the labels FINDINGS and IMPRESSION, the images are
    those of ``parentImage``; the id is ``uId``. A report is its own patient.

    Args:
        folder: Folder with ``*.xml``, also in folders below such as ``ecgen-radiology``.
        images: Folder of ``<image id>.png``, as in ``NLMCXR_png.tgz``; None reads text alone.

    Returns:
        The reports, in the order of the numbers in their file names. Left out are files that are
        no such XML, declare entities or are over 1 MiB, and the same as of the tables.

    Raises:
        FileNotFoundError: A folder is not there.
        ValueError: There is no XML file.
    """
    folder = Path(folder)
    for one in (folder, images):
        if one is not None and not Path(one).is_dir():
            raise FileNotFoundError(f'Folder {one} does not exist.')
    files = sorted(folder.rglob('*.xml'), key=_by_number)
    if not files:
        raise ValueError(f'{folder} has no XML file; expected those of NLMCXR_reports.tgz.')
    records: dict[str, ReportRecord] = {}
    skipped: list[SkippedReport] = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            tree = _parse(path)
        except (OSError, ValueError) as error:
            skipped.append(SkippedReport(name, 'file cannot be read', str(error)))
            continue
        uid = _id_of(tree)
        findings, impression = (_section(tree, label) for label in ('FINDINGS', 'IMPRESSION'))
        if not uid or uid in records:
            skipped.append(SkippedReport(uid or name, 'id is there twice' if uid else 'no id'))
            continue
        if not findings and not impression:
            skipped.append(SkippedReport(uid, 'no findings and no impression'))
            continue
        named = [image.get('id', '').strip() for image in tree.iter('parentImage')]
        pairs = [(image_id, f'{image_id}.png') for image_id in dict.fromkeys(named) if image_id]
        ids, paths, missing = find_images(uid, pairs, images and Path(images))
        skipped += missing
        if not ids:
            skipped.append(SkippedReport(uid, 'no image'))
            continue
        records[uid] = ReportRecord(uid, ids, paths, findings, impression, patient_id=uid)
    return ReportReading(tuple(records.values()), tuple(skipped), str(folder))


def _parse(path: Path) -> Element:
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise ValueError(f'{path} has {size} bytes, over {_MAX_BYTES}')
    try:
        tree: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except defusedxml.DefusedXmlException as error:
        raise ValueError(f'it declares entities or a DTD ({error})') from None
    except (ParseError, LookupError, ValueError) as error:
        raise ValueError(f'it is not valid XML ({error})') from None
    if tree.tag != 'eCitation':
        raise ValueError(f'expected <eCitation>, got <{tree.tag}>'[:200])
    return tree


def _by_number(path: Path) -> tuple[int, str]:
    """Sort 2.xml before 10.xml; names without a number come last."""
    digits = re.findall(r'\d+', path.stem)
    return (int(digits[0][:18]) if digits else 1 << 62, path.as_posix())


def _id_of(tree: Element) -> str:
    entry = tree.find('.//uId')
    return '' if entry is None else (entry.get('id') or entry.text or '').strip()


def _section(tree: Element, label: str) -> str:
    parts = [
        ' '.join(''.join(entry.itertext()).split())
        for entry in tree.iter('AbstractText')
        if entry.get('Label', '').strip().upper() == label
    ]
    return ' '.join(part for part in parts if part)
