"""Where the images of an export lie."""

import errno
import os
import shutil
from pathlib import Path
from typing import Literal

from mmdet_medglip.store import GroundingStore
from mmdet_medglip.structures import Record

from ..paths import inside

__all__ = ['IMAGES', 'ImageMode', 'ImagePlacer']

ImageMode = Literal['none', 'link', 'copy']
IMAGES: tuple[ImageMode, ...] = ('none', 'link', 'copy')
"""What may become of the images of an export."""


class ImagePlacer:
    """Put images of a store below another folder, under the path they have in the store.

    Args:
        store: The store.
        out_dir: Folder of the export.
        mode: ``none`` leaves them in the store; ``link`` makes hard links, which take no space
            and stay if the store is removed; ``copy`` copies.

    Raises:
        ValueError: If the mode is unknown, or the export goes into the store itself with a mode
            other than ``none``.
    """

    def __init__(self, store: GroundingStore, out_dir: Path, mode: ImageMode) -> None:
        if mode not in IMAGES:
            known = ', '.join(IMAGES)
            raise ValueError(f"'images' must be one of {known}, got {mode!r}.")
        if mode != 'none' and out_dir.resolve() == store.root.resolve():
            raise ValueError(
                f'{out_dir} is the store itself, where the images lie already: use '
                "images='none' or another folder."
            )
        self._store = store
        self._out_dir = out_dir
        self._mode = mode

    def place(self, record: Record) -> None:
        """Put the image of one record in its place; does nothing with ``none``.

        Raises:
            FileNotFoundError: If the store lacks the image.
            ValueError: If the image's path leaves the store.
            OSError: If the file cannot be linked or copied.
        """
        if self._mode == 'none':
            return
        source = inside(self._store.root, record.image_path)
        if not source.is_file():
            raise FileNotFoundError(
                f'Image {source} of record {record.image_id!r} does not exist: the store is not '
                'whole; restore the file.'
            )
        target = self._out_dir / record.image_path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if self._mode == 'copy':
            shutil.copyfile(source, target)
        else:
            _link(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        raise OSError(
            f"{source} cannot be linked to {target} ({error.strerror}): use images='copy', or "
            'export to the file system of the store.'
        ) from error
