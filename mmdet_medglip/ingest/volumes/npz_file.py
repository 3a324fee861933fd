"""Arrays of npz files: no pickle, sizes known and bounded before anything is unpacked."""

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from mmdet_medglip.store.npz_faults import NPZ_FAULTS

from .volume import MAX_VOXELS

__all__ = ['array_shapes', 'read_array']

_MAX_MEMBERS = 1000
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def array_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of an npz file, without unpacking them.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, no npz file, or holds pickled objects.
    """
    _check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > _MAX_MEMBERS:
                raise ValueError(f'it has {len(names)} members')
            shapes = {}
            for name in names:
                if name.endswith('.npy'):
                    with archive.open(name) as member:
                        shapes[name.removesuffix('.npy')] = _header(member)[0]
            return shapes
    except NPZ_FAULTS as error:
        raise ValueError(f'{path} is not a valid npz file ({error}).') from error


def read_array(path: Path, key: str, max_values: int = MAX_VOXELS) -> np.ndarray:
    """Read one array of an npz file.

    Args:
        path: The file.
        key: Name of the array.
        max_values: Largest number of values accepted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, has no such array, or the array is too large, pickled
            or not of plain numbers.
    """
    _check_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f'{key}.npy')
            with archive.open(info) as member:
                shape, dtype = _header(member)
            count = math.prod(shape)
            if dtype.kind not in 'buif':
                raise ValueError(f'array {key!r} holds {dtype}, expected plain numbers')
            if count > max_values:
                raise ValueError(f'array {key!r} has {count} values, over the limit {max_values}')
            if info.file_size < count * dtype.itemsize:
                raise ValueError(f'array {key!r} is shorter than its shape {shape}')
            with archive.open(info) as member:
                return np.lib.format.read_array(member, allow_pickle=False)
    except NPZ_FAULTS as error:
        raise ValueError(f'{path} is not a valid npz file ({error}).') from error


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist, or is no file.')


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(member)
    if version not in _HEADERS:
        raise ValueError(f'an array has format version {version}')
    shape, _, dtype = _HEADERS[version](member)
    if dtype.hasobject:
        raise ValueError('an array is pickled, which can run any code; save it as plain numbers')
    return shape, dtype
