"""What readers give: images and regions as the source has them, before any rule of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmdet_medglip.structures import Box, Rle

__all__ = ['SourceImage', 'SourceItem', 'SourceRegion']


@dataclass(frozen=True)
class SourceItem:
    """One thing of a source that is read at once: an image file, or a whole volume.

    Args:
        name: Its name, unique in the source and the same on every machine, such as the path of
            its image file relative to the data set.
        files: Files it is read from, relative to the data set. A change of their size or time
            means that the item has to be read again.
        payload: What the reader needs to find it again, as plain JSON values.
    """

    name: str
    files: tuple[str, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceRegion:
    """One region under the name its source gives it.

    Give ``mask``, ``bbox``, or both (quality control then compares them).

    Args:
        name: Class name as written in the source, not mapped.
        bbox: Box ``(x1, y1, x2, y2)`` in pixels, half open; may still leave the image or be empty.
        mask: Bool (H, W), or a COCO run length of the image's size, compressed or not.
        is_object: Whether the region is one object of the source (an instance id, a polygon, a
            box). If False, the mask holds all pixels of the class and the label's box policy
            tells how many boxes it makes.
        phrase: Words of the source for this region.
        tokens_positive: Spans ``[start, end)`` of the image's caption that name it.
        is_crowd: Whether the box holds an uncounted group.
        volume_instance_id: Name of the 3-D object this slice belongs to.
        annotator: Who or what drew the region.
    """

    name: str
    bbox: Box | None = None
    mask: np.ndarray | Rle | None = None
    is_object: bool = True
    phrase: str | None = None
    tokens_positive: tuple[tuple[int, int], ...] = ()
    is_crowd: bool = False
    volume_instance_id: str | None = None
    annotator: str | None = None


@dataclass(frozen=True)
class SourceImage:
    """One 2-D image of a source, or one slice of a volume.

    The stored pixels mean ``rescale_slope * stored + rescale_intercept``, as in DICOM. Fields
    that are None take the value of the recipe.

    Args:
        name: Unique in the source; becomes the image id.
        image: Pixels, uint8 (H, W) or (H, W, 3) RGB or uint16 (H, W); or an image file, whose
            bytes are kept where its kind allows.
        size: ``(height, width)`` in pixels of the image and of every box and mask.
        regions: What is marked on it, possibly nothing.
        patient: Patient as the source names it; None if the recipe's ``patient_id`` is to be
            searched in ``name``.
        folder: Split as the source names it.
        study: Study as the source names it.
        series: Series (volume) as the source names it.
        slice_index: Position of the slice in its volume, from 0.
        spacing_mm: Distance of pixel centres ``(between rows, between columns)`` in mm.
        modality: Any name of a modality, for sources that mix them.
        view: Projection or plane.
        body_region: Region shown, in words.
        caption: Sentence that ``tokens_positive`` of the regions point into.
        window: ``(centre, width)`` in physical values to show it with, as the source says.
        rescale_slope: Physical value per stored unit, not 0.
        rescale_intercept: Physical value of a stored 0.
        rescale_type: Unit of the physical value, ``HU`` for CT.
        flags: Suspicions the reader has, such as ``burned_in_text``.
    """

    name: str
    image: np.ndarray | Path
    size: tuple[int, int]
    regions: tuple[SourceRegion, ...] = ()
    patient: str | None = None
    folder: str | None = None
    study: str | None = None
    series: str | None = None
    slice_index: int | None = None
    spacing_mm: tuple[float, float] | None = None
    modality: str | None = None
    view: str | None = None
    body_region: str | None = None
    caption: str | None = None
    window: tuple[float, float] | None = None
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    rescale_type: str | None = None
    flags: tuple[str, ...] = ()
