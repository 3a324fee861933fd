"""Results as pictures."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType

from PIL import Image

from mmdet_medglip.ingest.file_names import safe_name
from mmdet_medglip.store.durable import replace_file

from ..pictures import draw_result
from ..result import GroundingResult
from .base import ResultWriter

__all__ = ['PictureWriter', 'picture_name', 'write_picture']

FOLDER = 'pictures'


class PictureWriter(ResultWriter):
    """``pictures/``: a PNG of each image with its boxes."""

    needs_view = True
    subfolder = FOLDER

    def __enter__(self) -> PictureWriter:
        """Make the folder."""
        (self.folder / FOLDER).mkdir(exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the pictures, each of which is whole."""

    def add(self, result: GroundingResult) -> None:
        """Draw and write a picture, unless it was drawn where the image was answered."""
        if result.view is not None:
            write_picture(self.folder, result)


def picture_name(result: GroundingResult) -> str:
    """Return the file name of a picture, another one for every image."""
    source = result.source
    stem = Path(source.path or source.name).name.partition('.')[0]
    number = '' if source.slice_index is None else f'_{source.slice_index:04d}'
    # The digest of the whole name keeps files of one name in two folders apart.
    tail = safe_name(f'{source.name}/').rpartition('~')[2]
    return f'{safe_name(stem)}{number}~{tail}.png'


def write_picture(folder: Path, result: GroundingResult) -> Path:
    """Draw a result with a view into ``folder/pictures``.

    Raises:
        OSError: The disk is full or fails.
    """
    path = folder / FOLDER / picture_name(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    Image.fromarray(draw_result(result)).save(stream, format='PNG')
    replace_file(path, stream.getvalue())
    return path
