"""Pictures of records: the image as the network sees it, thin boxes, mask outlines and names.

Lines lie outside their box, so that small findings stay visible. Names stand at their boxes while
there are few; otherwise numbers do, and the legend below tells their names.
"""

from collections.abc import Sequence
from dataclasses import fields

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from mmdet_medglip.datasets.transforms import IntensityWindow, LoadMedImage
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Instance, Record
from mmdet_medglip.visualization.box_marks import BoxMark, draw_marks
from mmdet_medglip.visualization.grid import draw_grid
from mmdet_medglip.visualization.lettering import Font, font_for, printable, shorten
from mmdet_medglip.visualization.palette import phrase_colours
from mmdet_medglip.visualization.tags import Rectangle, area

from ..images import MAX_PIXELS
from ..masks import decode_rle
from .legend import (
    DIM,
    INK,
    NAMED_BOXES,
    Region,
    draw_legend,
    lay_out_legend,
)

__all__ = ['draw_grid', 'draw_record', 'network_view', 'regions_of']

Pixels = npt.NDArray[np.uint8]

_PAPER = (255, 255, 255)
_LONGEST_TAG = 0.5
_GAP = 6


def network_view(store: GroundingStore, record: Record) -> Pixels:
    """Load the image of a record and window it as the transforms of the network do.

    Args:
        store: The store of the record.
        record: The record.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        FileNotFoundError: If the image does not exist.
        ValueError: If it cannot be read or has another size than the record says.
    """
    results = {field.name: getattr(record, field.name) for field in fields(record)}
    del results['instances']
    results |= {'img_path': str(store.image_path(record)), 'img_id': record.image_id}
    results = IntensityWindow().transform(LoadMedImage(max_pixels=MAX_PIXELS).transform(results))
    return np.ascontiguousarray(np.rint(results['img']).astype(np.uint8)[..., ::-1])


def regions_of(record: Record, ontology: Ontology, only: str | None = None) -> tuple[Region, ...]:
    """Name and colour the regions of a record, equal names alike.

    Args:
        record: The record.
        ontology: Display names; a label it does not know goes by its id.
        only: Draw this label id only.

    Returns:
        The regions, large ones first, so that small ones are drawn on top.
    """
    wanted = [i for i in record.instances if only is None or i.label == only]
    names = [_name(instance, ontology) for instance in wanted]
    order = list(dict.fromkeys(names))
    colours = dict(zip(order, phrase_colours(len(order)), strict=True))
    regions = [
        Region(instance, name, colours[name], order.index(name) + 1)
        for instance, name in zip(wanted, names, strict=True)
    ]
    return tuple(sorted(regions, key=lambda region: -area(region.instance.bbox)))


def draw_record(
    image: Pixels,
    regions: Sequence[Region],
    *,
    side: int,
    title: Sequence[str] = (),
    legend_lines: int | None = 2,
    outlines: bool = True,
) -> Image.Image:
    """Draw regions on an image, with a title above and a legend below.

    Args:
        image: uint8 (H, W, 3) RGB.
        regions: What :func:`regions_of` gives, possibly nothing.
        side: Longer side of the drawn image in pixels; the picture is as wide as this.
        title: Lines of text; shortened in the middle where they do not fit.
        legend_lines: Lines of the legend at most; None shows all.
        outlines: Whether masks are outlined.

    Returns:
        The picture, RGB.
    """
    font = font_for(side)
    line = round(font.size * 1.35)
    scale = side / max(image.shape[:2])
    drawn = _resize(image, scale)
    if outlines:
        for region in regions:
            _draw_outline(drawn, region, scale)
    picture = Image.fromarray(drawn)
    _draw_boxes(picture, regions, scale, font)
    legend = lay_out_legend(regions, side, font, legend_lines)
    height = line * (len(title) + len(legend)) + picture.height + _GAP
    sheet = Image.new('RGB', (side, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, text in enumerate(title):
        ink = INK if number == 0 else DIM
        pen.text((0, number * line), shorten(printable(text), side, font), ink, font)
    top = len(title) * line
    sheet.paste(picture, ((side - picture.width) // 2, top))
    for number, row in enumerate(legend):
        draw_legend(pen, row, top + picture.height + 3 + number * line, font)
    return sheet


def _name(instance: Instance, ontology: Ontology) -> str:
    if instance.label is None:
        return printable(instance.phrase or 'region')
    try:
        return ontology.display_name(instance.label)
    except ValueError:
        return printable(instance.label)


def _resize(image: Pixels, scale: float) -> Pixels:
    size = [max(1, round(length * scale)) for length in image.shape[1::-1]]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=method))


def _draw_outline(image: Pixels, region: Region, scale: float) -> None:
    if region.instance.mask is None:
        return
    mask = decode_rle(region.instance.mask).astype(np.uint8)
    kept = (cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # One pixel of margin, so that an outline on the border is closed.
    contours, _ = cv2.findContours(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), *kept)
    shift = 4
    for contour in contours:
        points = (contour.astype(np.float64) - 0.5) * scale
        fixed = np.rint(points * 2**shift).astype(np.int32)
        cv2.polylines(image, [fixed], True, region.colour, 1, cv2.LINE_AA, shift)


def _draw_boxes(picture: Image.Image, regions: Sequence[Region], scale: float, font: Font) -> None:
    one_name = len({region.name for region in regions}) == 1
    long = one_name and font.getlength(regions[0].name) > _LONGEST_TAG * picture.width
    nameless = one_name and (long or len(regions) > 1)
    marks = []
    for region in regions:
        text = str(region.number)
        if len(regions) <= NAMED_BOXES:
            text = shorten(region.name, _LONGEST_TAG * picture.width, font)
        x1, y1, x2, y2 = (value * scale for value in region.instance.bbox)
        box: Rectangle = (x1, y1, x2, y2)
        marks.append(BoxMark(box, region.colour, '' if nameless else text))
    draw_marks(picture, marks, font)
