"""Images with masks in SciPy sparse npz files."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from mmdet_medglip.registry import READERS

from ..paths import MatchedFile, fill_pattern, match_files
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
        images: Pattern of the images with the field ``{stem}``.
        arrays: Pattern of the npz file of an image, in which its fields are filled in.
        channels: Name of each channel, in order.
        **common: See :class:`MaskImageReader` and :class:`Reader`.

    Raises:
        FileNotFoundError: If no image fits the pattern.
        ValueError: If an option is unknown.
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
        super().__init__(root, images=images, **common)
        if not channels:
            raise RecipeError(f"Data set {self.source!r}: 'channels' names no channel.")
        self._arrays = arrays
        self._channels = [self.label_of(str(name)) for name in channels]

    def read_masks(
        self, image: MatchedFile, size: tuple[int, int]
    ) -> list[tuple[str, np.ndarray]] | None:
        """Read the channels of an image's npz file; see :class:`MaskImageReader`."""
        matches = match_files(self.root, fill_pattern(self._arrays, image.fields))
        if not matches:
            return None
        shape = (len(self._channels), size[0] * size[1])
        matrix = _load_csr(matches[0].path, shape)
        return [
            (label, matrix[channel].toarray().reshape(size) != 0)
            for channel, label in enumerate(self._channels)
            if label is not None
        ]


def _load_csr(path: Path, shape: tuple[int, int]) -> sparse.csr_array:
    """Load a CSR matrix without pickle, after checking its shape."""
    limit = _BYTES_PER_CELL * shape[0] * shape[1] + _OVERHEAD
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > limit:
            raise ValueError(f'it unpacks to {size} bytes, over {limit} for its image')
        with np.load(path, allow_pickle=False) as file:
            data, indices, indptr, stored = (file[part] for part in _PARTS)
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f'{path} is not a sparse npz file ({error}).') from error
    if tuple(int(v) for v in stored) != shape:
        raise ValueError(
            f'{path} holds a matrix of {tuple(stored.tolist())}, expected {shape} '
            '(channels, height x width).'
        )
    matrix = sparse.csr_array((data, indices, indptr), shape=shape)
    matrix.check_format(full_check=True)
    return matrix
