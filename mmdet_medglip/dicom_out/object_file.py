"""Write a DICOM object to a file whose name says nothing of the patient."""

from __future__ import annotations

import io
from pathlib import Path

from pydicom import Dataset, dcmwrite

from mmdet_medglip.store.durable import replace_file

__all__ = ['save_object']


def save_object(written: Dataset, folder: str | Path) -> Path:
    """Write an object, as a whole or not at all.

    Args:
        written: The object, with its file meta information.
        folder: Where to; it is made.

    Returns:
        The file, named by the UID of the object.

    Raises:
        OSError: It cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    dcmwrite(buffer, written, enforce_file_format=True)
    path = folder / f'{written.SOPInstanceUID}.dcm'
    replace_file(path, buffer.getvalue())
    return path
