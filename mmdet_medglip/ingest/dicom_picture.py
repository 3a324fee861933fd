"""A DICOM file of one image as the picture of an annotation."""

from pathlib import Path

import numpy as np

from .burned_in_text import burned_in_text_suspected
from .dicom.attributes import body_region_of, spacing_of, view_of
from .dicom.files import integer, open_dicom, text
from .dicom.pixels import check_size, decode_frame
from .pictures import Picture
from .volumes.stored_range import stored_range

__all__ = ['load_dicom_picture']


def load_dicom_picture(path: Path) -> Picture:
    """Load a DICOM file of one image; what its header says of the patient is not used.

    Args:
        path: The file.

    Returns:
        Grey or RGB pixels with their meaning. The modality is not told by the file alone: the
        recipe knows it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no DICOM file, holds several frames, or cannot be decoded.
    """
    dataset = open_dicom(path)
    check_size(dataset, path)
    frames = integer(dataset, 'NumberOfFrames', 1)
    if frames > 1:
        raise ValueError(f'{path} holds {frames} frames, expected one image.')
    frame = decode_frame(dataset, 0, path)
    is_ct = text(dataset, 'Modality') == 'CT' and frame.is_scaled
    slope, intercept, pixels = frame.slope, frame.intercept, frame.values
    if not frame.is_colour:
        try:
            stored = stored_range(pixels, is_ct=is_ct, slope=slope, intercept=intercept)
        except ValueError as error:
            raise ValueError(f'{path} {error}') from None
        slope, intercept, pixels = stored.slope, stored.intercept, stored.store(pixels)
    return Picture(
        np.ascontiguousarray(pixels),
        (pixels.shape[0], pixels.shape[1]),
        spacing_mm=spacing_of(dataset),
        window=frame.window,
        rescale_slope=slope,
        rescale_intercept=intercept,
        rescale_type='HU' if is_ct else None,
        view=view_of(dataset),
        body_region=body_region_of(dataset),
        flags=('burned_in_text',) if burned_in_text_suspected(dataset) else (),
    )
