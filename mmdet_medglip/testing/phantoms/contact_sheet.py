"""Draw records of a store with their boxes on one sheet, to see what was made."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mmdet_medglip.ingest.images import read_image
from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

__all__ = ['contact_sheet']

_CT_WINDOW = (-160.0, 240.0)
"""Soft tissue, HU."""


def contact_sheet(store: GroundingStore, *, columns: int = 6, tile: int = 256) -> Image.Image:
    """Draw a row of images for every modality, spread evenly over its records.

    Args:
        store: The records; an empty store gives a sheet without rows.
        columns: Images per modality, at least 1.
        tile: Width and height of an image on the sheet in pixels.

    Returns:
        RGB sheet, ``columns * tile`` wide. CT is shown in the soft-tissue window, everything
        else that has more than 8 bits between its percentiles 0.5 and 99.5.
    """
    rows = [store.indices(modality=name) for name in store.modalities]
    sheet = Image.new('RGB', (columns * tile, max(1, len(rows)) * tile))
    for r, indices in enumerate(rows):
        chosen = np.unique(np.linspace(0, len(indices) - 1, columns).astype(int))
        for c, position in enumerate(chosen):
            record = store[int(indices[position])]
            sheet.paste(_draw(record, store.image_path(record), tile), (c * tile, r * tile))
    return sheet


def _draw(record: Record, path: Path, tile: int) -> Image.Image:
    picture = Image.fromarray(_eight_bit(read_image(path), record)).convert('RGB')
    scale = tile / max(picture.size)
    picture = picture.resize([max(1, round(s * scale)) for s in picture.size])
    pen = ImageDraw.Draw(picture)
    names = sorted({str(item.label or item.phrase) for item in record.instances})
    for item in record.instances:
        name = str(item.label or item.phrase)
        hue = colorsys.hsv_to_rgb(names.index(name) / len(names), 0.75, 1.0)
        color = tuple(round(255 * value) for value in hue)
        box = [value * scale for value in item.bbox]
        pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=color, width=2)
        pen.text((box[0] + 2, box[1]), name, fill=color, font_size=9)
    pen.text((2, tile - 12), f'{record.patient_id} {record.split}', fill='white', font_size=9)
    return picture


def _eight_bit(image: np.ndarray, record: Record) -> np.ndarray:
    if image.dtype == np.uint8:
        return image
    values = record.rescale_slope * image.astype(np.float32) + record.rescale_intercept
    low, high = np.percentile(values, (0.5, 99.5))
    if record.rescale_type == 'HU':
        low, high = _CT_WINDOW
    return (np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
