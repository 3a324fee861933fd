"""Images with masks in SciPy sparse npz files."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from mmdet_medglip.registry import READERS

from ..paths import MatchedFile
from ..source import SourceRegion
from .base import RecipeError
from .mask_image import MaskImageReader

__all__ = ['ScipyNpzReader']

_BYTES_PER_CELL = 16
_OVERHEAD = 65_536
_PARTS = ('data', 'indices', 'indptr', 'shape')


@READERS.register_module()
class ScipyNpzReader(MaskImageReader):
    """Read images whose masks are rows of a sparse matrix (``scipy.sparse.save_npz``, CSR).

    The matrix has one row per channel and ``height * width`` columns, row-major.

    Args:
        root: Folder of the data set.
        images: Pattern of the images, see :class:`PatternReader`.
        arrays: Pattern of the npz file of an image, in which its fields are filled in.
        channels: Name of each channel, in order.
        **common: See :class:`MaskImageReader`; there are no ``masks``.

    Raises:
        FileNotFoundError: If no image fits the pattern.
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str,
        arrays: str,
        channels: Sequence[str],
        **common: Any,
    ) -> None:
        super().__init__(root, images=images, beside=[arrays], **common)
        if not channels:
            raise RecipeError(f"Data set {self.source!r}: 'channels' names no channel.")
        self._channels = [str(name) for name in channels]

    def declared_names(self) -> Sequence[str]:
        """Return the names of the channels."""
        return self._channels

    def read_masks(
        self, files: Sequence[tuple[int, MatchedFile]], size: tuple[int, int]
    ) -> list[SourceRegion]:
        """Read the channels of an image's npz file; see :class:`MaskImageReader`."""
        if len(files) > 1:
            raise ValueError(f'{files[0][1].path} and {files[1][1].path} belong to one image.')
        regions = []
        for _, file in files:
            matrix = _load_csr(file.path, (len(self._channels), size[0] * size[1]))
            for channel, name in enumerate(self._channels):
                mask = matrix[[channel]].toarray().reshape(size) != 0
                if mask.any():
                    regions.append(SourceRegion(name, mask=self.flip(mask), is_object=False))
        return regions


def _load_csr(path: Path, shape: tuple[int, int]) -> sparse.csr_array:
    """Load a CSR matrix without pickle, after checking its shape."""
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist, or is no file.')
    limit = _BYTES_PER_CELL * shape[0] * shape[1] + _OVERHEAD
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > limit:
            raise ValueError(f'it unpacks to {size} bytes, over {limit} for its image')
        with np.load(path, allow_pickle=False) as file:
            data, indices, indptr, stored = (file[part] for part in _PARTS)
        found = tuple(int(v) for v in stored)
    except Exception as error:  # an archive may be broken in any way
        raise ValueError(f'{path} is not a sparse npz file ({error}).') from error
    if found != shape:
        raise ValueError(
            f'{path} holds a matrix of {found}, expected {shape} (channels, height x width).'
        )
    if any(part.dtype.kind not in 'iu' for part in (indices, indptr)):
        raise ValueError(f'{path} holds a sparse matrix whose columns are not whole numbers.')
    try:
        matrix = sparse.csr_array((data, indices, indptr), shape=shape)
        matrix.check_format(full_check=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f'{path} holds a broken sparse matrix ({error}).') from error
    return matrix
