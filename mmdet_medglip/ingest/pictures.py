"""The image of an annotation, whatever its kind of file: PNG, JPEG, TIFF, DICOM, 2-D NIfTI."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .images import check_pixels, image_size, read_image
from .volumes.nifti_file import open_nifti
from .volumes.stored_range import stored_range

__all__ = ['PICTURE_LOADERS', 'Picture', 'load_picture', 'load_plane', 'parse_rescale']

PICTURE_LOADERS: dict[str, str] = {
    '.dcm': 'mmdet_medglip.ingest.dicom_picture:load_dicom_picture',
    '.dicom': 'mmdet_medglip.ingest.dicom_picture:load_dicom_picture',
    '.nii': 'mmdet_medglip.ingest.pictures:load_plane',
    '.nii.gz': 'mmdet_medglip.ingest.pictures:load_plane',
}
"""``module:function`` by the end of a file's name; each takes a path and returns a ``Picture``.
All other files are images for Pillow. A module is imported with the first file of its kind."""

_MAX_STORED = 65_535


@dataclass(frozen=True)
class Picture:
    """One image with what its file says about it; see ``SourceImage`` for the fields.

    Args:
        image: Pixels, or the image file itself where it can be used as it is.
        size: ``(height, width)`` in pixels.
        spacing_mm: Distance of pixel centres ``(between rows, between columns)`` in mm.
        window: ``(centre, width)`` in physical values.
        rescale_slope: Physical value per stored unit.
        rescale_intercept: Physical value of a stored 0.
        rescale_type: Unit of the physical value.
        modality: Any name of a modality; None if the file does not say.
        view: Projection or plane.
        body_region: Region shown.
        patient: Patient as the file names it.
        study: Study as the file names it.
        series: Series as the file names it.
        flags: Suspicions, such as ``burned_in_text``.
    """

    image: np.ndarray | Path
    size: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    rescale_type: str | None = None
    modality: str | None = None
    view: str | None = None
    body_region: str | None = None
    patient: str | None = None
    study: str | None = None
    series: str | None = None
    flags: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return the fields as arguments of ``SourceImage``."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def pixels(self) -> np.ndarray:
        """Return the pixels, read from the file if need be."""
        return read_image(self.image) if isinstance(self.image, Path) else self.image


def load_picture(path: Path, rescale: Mapping[str, Any] | None = None) -> Picture:
    """Open the image of an annotation.

    Args:
        path: Image file.
        rescale: What its pixels mean, from :func:`parse_rescale`, where the file cannot say it.

    Returns:
        The picture; files that Pillow reads are not decoded yet.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not an image, is too large, or broken.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Image {path} does not exist.')
    loader = _loader(path)
    picture = Picture(path, image_size(path)) if loader is None else loader(path)
    return replace(picture, **rescale) if rescale else picture


def parse_rescale(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check the option ``rescale`` of a recipe.

    Args:
        given: ``slope`` (1 by default), ``intercept`` (0) and ``type`` (such as ``HU``) of the
            stored pixels; None leaves them as they are.

    Returns:
        The fields of a :class:`Picture`.

    Raises:
        ValueError: If a key is unknown or a value no number.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or set(given) - {'slope', 'intercept', 'type'}:
        raise ValueError(f"'rescale' may have slope, intercept and type, got {given!r}.")
    slope, intercept = given.get('slope', 1.0), given.get('intercept', 0.0)
    numeric = all(isinstance(value, (int, float)) for value in (slope, intercept))
    if not numeric or not math.isfinite(slope) or not math.isfinite(intercept) or slope == 0:
        raise ValueError(f"'rescale' needs finite numbers and a slope other than 0, got {given!r}.")
    return {
        'rescale_slope': float(slope),
        'rescale_intercept': float(intercept),
        'rescale_type': given.get('type'),
    }


def load_plane(path: Path) -> Picture:
    """Load a NIfTI file that holds one plane, such as an ultrasound frame or its mask.

    The first axis of the file runs along the columns, the second along the rows. Whole numbers
    that fit 16 bits are kept as they are.

    Args:
        path: ``.nii`` or ``.nii.gz`` file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not NIfTI, not one plane, too large, or not finite.
    """
    volume = open_nifti(path)
    width, height, depth = volume.grid.shape
    if depth != 1:
        raise ValueError(f'{path} has shape {volume.grid.shape}, expected one plane.')
    check_pixels(str(path), height, width)
    values = volume.load()[:, :, 0].T
    try:
        stored = stored_range(
            _whole(values), is_ct=False, slope=volume.slope, intercept=volume.intercept
        )
    except ValueError as error:
        raise ValueError(f'{path} {error}') from None
    spacing = volume.grid.spacing_mm
    return Picture(
        np.ascontiguousarray(stored.store(values)),
        (height, width),
        spacing_mm=(spacing[1], spacing[0]),
        rescale_slope=stored.slope,
        rescale_intercept=stored.intercept,
    )


def _whole(values: np.ndarray) -> np.ndarray:
    """Return floating-point values as integers if they are, so that they are kept exactly."""
    if values.dtype.kind != 'f' or not np.isfinite(values).all():
        return values
    rounded = np.rint(values)
    if (rounded != values).any() or np.abs(rounded).max() > _MAX_STORED:
        return values
    return rounded.astype(np.int32)


def _loader(path: Path) -> Callable[[Path], Picture] | None:
    name = path.name.lower()
    for ending, target in PICTURE_LOADERS.items():
        if name.endswith(ending):
            module, function = target.split(':')
            loader: Callable[[Path], Picture] = getattr(import_module(module), function)
            return loader
    return None
