"""The image files of a store."""

import os
import shutil
from pathlib import Path

import numpy as np

from mmdet_medglip.store.layout import IMAGES_DIR
from mmdet_medglip.structures import Record

from .file_names import safe_name
from .images import check_pixels, image_size, read_image, stored_suffix, write_png

__all__ = ['store_image']


def store_image(
    root: Path, record: Record, image: np.ndarray | Path, pixels: np.ndarray | None = None
) -> str:
    """Write the image of a record into a store.

    The file is ``images/<modality>/<source>/<name>.png`` or ``.jpg``, where the image id is
    ``<source>/<name>``; a ``/`` in the name is a folder. Names are made safe by
    :func:`~mmdet_medglip.ingest.file_names.safe_name`; the file of an id that does not start with
    its source lies in the folder ``_``. So no two ids have one file. It takes its name when it is
    whole, and the same image written again gives the same file.

    Args:
        root: Folder of the store.
        record: What is known of the image; its ``image_path`` is not looked at.
        image: Pixels, uint8 (H, W) or (H, W, 3) RGB or uint16 (H, W), written as PNG; or an image
            file, copied as it is where its kind allows, else rewritten as PNG.
        pixels: What ``read_image`` gave for the file, if it was decoded already.

    Returns:
        Path of the file relative to ``root``, with ``/``.

    Raises:
        FileNotFoundError: If the image file does not exist.
        ValueError: If the image is damaged, too large, of another kind, or of another size than
            the record says.
        OSError: If it cannot be written.
    """
    where = f'Record {record.image_id!r}'
    suffix = None
    if isinstance(image, np.ndarray):
        size = image.shape[:2]
    else:
        size = image_size(image) if pixels is None else pixels.shape[:2]
        suffix = stored_suffix(image, decode=pixels is None)
    if tuple(size) != (record.height, record.width):
        raise ValueError(
            f'{where}: the image has {size[0]} rows and {size[1]} columns, the record says '
            f'{record.height} and {record.width}.'
        )
    check_pixels(where, record.height, record.width)
    names = (IMAGES_DIR, record.modality, safe_name(record.source), *_name(record))
    relative = '/'.join(names) + (suffix or '.png')
    target = root / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f'.{target.name}.partial')
    try:
        if isinstance(image, np.ndarray):
            write_png(partial, image)
        elif suffix is None:
            write_png(partial, read_image(image) if pixels is None else pixels)
        else:
            shutil.copyfile(image, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return relative


def _name(record: Record) -> list[str]:
    """Return the folders and the name of the file of a record, below the folder of its source."""
    own = record.image_id.removeprefix(f'{record.source}/')
    if own == record.image_id:
        return ['_', safe_name(own)]
    return [safe_name(part) for part in own.split('/')]
