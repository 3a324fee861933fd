"""A DICOM image as the fields of a source image."""

from typing import Any

import numpy as np
from pydicom import Dataset

from mmdet_medglip.ontology import Ontology

from ..burned_in_text import burned_in_text_suspected
from ..volumes import stored_range
from .attributes import body_region_of, modality_of, spacing_of, view_of
from .files import text
from .pixels import FramePixels

__all__ = ['describe', 'is_hounsfield', 'store_pixels']


def describe(dataset: Dataset, ontology: Ontology) -> dict[str, Any]:
    """Return what a header says, as fields of ``SourceImage``.

    Only ``patient``, ``study`` and ``series`` are free text; all others are of closed
    vocabularies or numbers.

    Args:
        dataset: Header of an image.
        ontology: Known modalities.

    Raises:
        ValueError: If the modality is none of the ontology's.
    """
    return {
        'modality': modality_of(dataset, ontology),
        'view': view_of(dataset),
        'body_region': body_region_of(dataset),
        'spacing_mm': spacing_of(dataset),
        'patient': text(dataset, 'PatientID'),
        'study': text(dataset, 'StudyInstanceUID'),
        'series': text(dataset, 'SeriesInstanceUID'),
        'flags': ('burned_in_text',) if burned_in_text_suspected(dataset) else (),
    }


def is_hounsfield(modality: str | None, is_scaled: bool) -> bool:
    """Tell whether physical values are Hounsfield units.

    Args:
        modality: Modality id that the header tells.
        is_scaled: Whether it tells a slope and an intercept, which screen captures lack.
    """
    return modality == 'ct' and is_scaled


def store_pixels(pixels: FramePixels, *, hounsfield: bool) -> dict[str, Any]:
    """Return one frame as the fields of ``SourceImage`` that its pixels fill.

    Raises:
        ValueError: If a value is not finite.
    """
    if pixels.is_colour:
        return {'image': np.ascontiguousarray(pixels.values), 'size': pixels.values.shape[:2]}
    mapping = stored_range(
        pixels.values, is_ct=hounsfield, slope=pixels.slope, intercept=pixels.intercept
    )
    return {
        'image': np.ascontiguousarray(mapping.store(pixels.values)),
        'size': pixels.values.shape,
        'window': pixels.window,
        'rescale_slope': mapping.slope,
        'rescale_intercept': mapping.intercept,
        'rescale_type': 'HU' if hounsfield else None,
    }
