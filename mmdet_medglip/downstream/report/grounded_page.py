"""Grounded reports as a page: pictures with numbered boxes, and what supports each sentence."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mmdet_medglip.ingest.images import check_pixels
from mmdet_medglip.pages import Badge, Cell, Page, Picture, Section, Table

from ..context.marks import draw_marks
from ..context.pictures import read_picture
from ..regions import ImageRegions
from .grounded_report import GroundedMention, GroundedReport, Verdict
from .grounding import count_verdicts

__all__ = ['grounded_page']

_LONGEST = 800
"""Pixels of the longer side of a picture on the page."""
_GREY = 96
_NOTICE = (
    'Research software, not for clinical use. A box says where a detector saw something, not that '
    'it is there; a sentence without a box is not wrong for that.'
)
_BADGES: dict[Verdict, Badge] = {
    'supported': Badge('supported', 'good'),
    'partly supported': Badge('partly supported', 'warn'),
    'unsupported': Badge('unsupported', 'warn'),
    'contradicted': Badge('contradicted', 'bad'),
    'not checked': Badge('not checked'),
    'nothing to ground': Badge('nothing to ground'),
}


def grounded_page(
    reports: Sequence[GroundedReport], pictures: Mapping[str, Path], title: str
) -> Page:
    """Lay out grounded reports.

    Args:
        reports: The reports, possibly none.
        pictures: Image files by image id; boxes of an image without one are drawn on grey.
        title: Of the page.

    Returns:
        A page for :func:`mmdet_medglip.pages.html_page` and ``markdown_page``; the latter refers
        to ``Picture.file``, whose bytes are ``Picture.embedded``.

    Raises:
        FileNotFoundError: A picture is not there.
        ValueError: A picture is no image, too large, or not of the size of its regions.
    """
    counts = count_verdicts(reports)
    rows: list[list[Cell]] = [[_BADGES[verdict], counts.get(verdict, 0)] for verdict in _BADGES]
    summary = Section(
        'Sentences', [f'Reports: {len(reports)}.'], [Table(['what the boxes say', 'number'], rows)]
    )
    names = iter(range(1, sum(len(report.images) for report in reports) + 1))
    sections = []
    for report in reports:
        shown = []
        for image in report.images:
            file = f'pictures/{next(names)}.png'
            shown.append(_picture(image, pictures.get(image.image_id), file))
        sections.append(_section(report, shown))
    return Page(title, _NOTICE, [summary, *sections])


def _section(report: GroundedReport, pictures: list[Picture]) -> Section:
    texts = [] if report.sentences else ['The report has no sentence.']
    tables = []
    if report.sentences:
        rows: list[list[Cell]] = [
            [
                sentence.text,
                _BADGES[sentence.verdict],
                '; '.join(_say(one, report.images) for one in sentence.mentions),
            ]
            for sentence in report.sentences
        ]
        tables.append(Table(['sentence', 'what the boxes say', 'why'], rows))
    parts = []
    if report.unmentioned:
        boxes: list[list[Cell]] = [
            [box.image_id, box.number, box.label, f'{box.score:.2f}'] for box in report.unmentioned
        ]
        table = Table(['image', 'box', 'label', 'score'], boxes)
        parts.append(Section('Boxes that no sentence mentions', [], [table]))
    return Section(f'Report {report.report_id}', texts, tables, pictures, parts)


def _say(one: GroundedMention, images: Sequence[ImageRegions]) -> str:
    boxes = ', '.join(_name(box.image_id, box.number, box.score, images) for box in one.boxes)
    places = ', '.join(_name(box.image_id, box.number, box.score, images) for box in one.places)
    said: str = one.support if one.is_claim else one.mention.reason or ''
    if said == 'box':
        said, boxes = boxes, ''
    parts = [f'{one.mention.text}: {said}', boxes, places and f'place: {places}']
    return ', '.join(part for part in parts if part)


def _name(image_id: str, number: int, score: float, images: Sequence[ImageRegions]) -> str:
    where = f' of {image_id}' if len(images) > 1 else ''
    return f'box {number}{where} ({score:.2f})'


def _picture(image: ImageRegions, path: Path | None, file: str) -> Picture:
    alt = f'{image.image_id}: {len(image)} boxes'
    pixels: npt.NDArray[np.uint8]
    if path is None:
        check_pixels(f'Image {image.image_id!r}', image.height, image.width)
        pixels = np.full((image.height, image.width, 3), _GREY, np.uint8)
        alt += ', drawn on grey because the image is not here'
    else:
        pixels = read_picture(path)
    size = (image.height, image.width)
    if pixels.shape[:2] != size:
        raise ValueError(
            f'{path} has {pixels.shape[1]} x {pixels.shape[0]} px, but the regions of '
            f'{image.image_id!r} are of an image of {image.width} x {image.height} px (width x '
            'height): name the folder of the images that the detector saw.'
        )
    scale = min(1.0, _LONGEST / max(size))
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in size)
        small = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
        pixels, image = np.asarray(small), image.scaled_to(image.image_id, height, width)
    stream = io.BytesIO()
    Image.fromarray(draw_marks(pixels, image)).save(stream, format='PNG')
    return Picture(file, alt, stream.getvalue())
