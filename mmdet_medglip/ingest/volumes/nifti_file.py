"""NIfTI files."""

import gzip
import zlib
from pathlib import Path
from typing import Literal

import nibabel
import numpy as np
from nibabel import nifti1, nifti2
from nibabel.arrayproxy import ArrayProxy
from nibabel.fileslice import fileslice
from nibabel.openers import ImageOpener

from .channels_error import ChannelsError
from .grid import Grid
from .volume import StoredVolume, check_voxels

__all__ = ['open_nifti']

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HEADER_BYTES = nifti2.header_dtype.itemsize
_MAX_HEADER_BYTES = 10_000_000
_FAULTS = (
    nibabel.filebasedimages.ImageFileError,
    nibabel.spatialimages.HeaderDataError,
    nibabel.wrapstruct.WrapStructError,
    ArithmeticError,
    EOFError,
    OSError,
    TypeError,
    ValueError,
    zlib.error,
)


def open_nifti(path: Path, channel: int | None = None) -> StoredVolume:
    """Read the header of a NIfTI-1 or NIfTI-2 file, gzipped or not.

    Args:
        path: The file.
        channel: Index along the fourth axis; None if the volume has three.

    Returns:
        The volume, its voxels not yet read.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a file, has other axes, is too large or has no voxel size.
    """
    _check_header(path)
    try:
        image = nibabel.load(path)
    except _FAULTS as error:
        raise ValueError(f'{path} is not a NIfTI volume ({error}).') from error
    proxy = getattr(image, 'dataobj', None)
    if not isinstance(image, nibabel.Nifti1Image) or not isinstance(proxy, ArrayProxy):
        raise ValueError(f'{path} is not a NIfTI volume but {type(image).__name__}.')
    if proxy.dtype.fields or not np.issubdtype(proxy.dtype, np.number) or proxy.dtype.kind == 'c':
        raise ValueError(f'{path} holds values of type {proxy.dtype}, expected plain numbers.')
    shape, index = _axes(path, tuple(int(size) for size in proxy.shape), channel)
    try:
        grid = Grid(shape, _RAS_TO_LPS @ image.affine)
    except ValueError as error:
        raise ValueError(f'{path} {error}') from None
    check_voxels(path, grid.voxels)

    def load() -> np.ndarray:
        return _read(path, proxy, index).reshape(shape, order='F')

    return StoredVolume(path, grid, load, float(proxy.slope), float(proxy.inter))


def _check_header(path: Path) -> None:
    """Refuse a file whose header is cut off, or says that the voxels begin far away."""
    if not path.is_file():
        raise FileNotFoundError(f'Volume {path} does not exist, or is no file.')
    try:
        with open(path, 'rb') as file:
            zipped = file.read(2) == b'\x1f\x8b'
        with (gzip.open if zipped else open)(path, 'rb') as file:
            start = file.read(_HEADER_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f'{path} is not a NIfTI volume ({error}).') from error
    header = _parse_header(start)
    if header is None:
        raise ValueError(f'{path} is not a NIfTI volume: it has no whole header.')
    offset = float(header['vox_offset'])
    if not 0 <= offset <= _MAX_HEADER_BYTES:
        raise ValueError(f'{path} has a header of {offset} bytes; it is damaged.')
    sizes = np.abs(header['pixdim'][1:4])
    needed = header['dim'][1:4] > 1
    if int(header['sform_code']) == 0 and not (sizes[needed] > 0).all():
        raise ValueError(f'{path} has no usable voxel size ({sizes.tolist()} mm); correct it.')


def _parse_header(start: bytes) -> np.void | None:
    """Return the fields of a NIfTI-1 or NIfTI-2 header in either order of bytes."""
    for kind in (nifti1.header_dtype, nifti2.header_dtype):
        if len(start) < kind.itemsize:
            continue
        orders: tuple[Literal['<', '>'], ...] = ('<', '>')
        for order in orders:
            header = np.frombuffer(start, kind.newbyteorder(order), 1)[0]
            if int(header['sizeof_hdr']) == kind.itemsize:
                return header
    return None


def _axes(
    path: Path, stored: tuple[int, ...], channel: int | None
) -> tuple[tuple[int, int, int], tuple]:
    """Return the shape of the volume to take, and the index that takes it."""
    first, second, third = (*stored, 1, 1, 1)[:3]
    more = [axis for axis in range(3, len(stored)) if stored[axis] != 1]
    index: list[int | slice] = [slice(None)] * min(len(stored), 3) + [0] * (len(stored) - 3)
    if not len(stored) >= 2 or len(more) > 1:
        raise ValueError(f'{path} has shape {stored}, expected three axes and channels at most.')
    if more:
        if channel is None:
            raise ChannelsError(f'{path} has shape {stored}, expected three axes')
        index[more[0]] = channel
    channels = stored[more[0]] if more else 1
    if channel is not None and channel >= channels:
        raise ValueError(f'{path} has {channels} channels, there is no channel {channel}.')
    return (first, second, third), tuple(index)


def _read(path: Path, proxy: ArrayProxy, index: tuple) -> np.ndarray:
    """Read the stored numbers; scaling is left to the caller."""
    try:
        if all(part == slice(None) for part in index):
            return np.asarray(proxy.get_unscaled())
        with ImageOpener(str(path)) as file:
            return fileslice(file, index, proxy.shape, proxy.dtype, proxy.offset, order='F')
    except _FAULTS as error:
        raise ValueError(f'{path} is damaged ({error}); replace it.') from error
