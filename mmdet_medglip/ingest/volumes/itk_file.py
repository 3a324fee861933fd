"""NRRD and MetaImage files, read through SimpleITK."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its usual short name

from ..paths import inside
from .channels_error import ChannelsError
from .grid import Grid
from .meta_image import check_compressed
from .nrrd_header import check_nrrd_header
from .volume import StoredVolume, check_voxels

__all__ = ['data_files', 'open_itk', 'segment_values']

_FORMATS = {
    '.mha': 'MetaImageIO',
    '.mhd': 'MetaImageIO',
    '.nrrd': 'NrrdImageIO',
    '.nhdr': 'NrrdImageIO',
}
_DATA_KEYS = {'elementdatafile', 'data file', 'datafile'}
_MAX_HEADER_BYTES = 1_000_000
_MAX_CHANNELS = 1024
_SEGMENT = 'Segment{number}_{field}'


def open_itk(path: Path, channel: int | None = None, *, root: Path) -> StoredVolume:
    """Read the header of an NRRD or MetaImage file.

    Args:
        path: A file of type .nrrd, .nhdr, .mha or .mhd.
        channel: Component of the voxels, or index along a fourth axis; None if there is one.
        root: Folder that a separate file of voxels must not leave.

    Returns:
        The volume, its voxels not yet read.

    Raises:
        ValueError: If it is not such a file, has other axes, is too large, has no voxel size, or
            points to a file elsewhere.
    """
    files = data_files(path, root)
    reader = _information(path)
    size = tuple(reader.GetSize())
    components = reader.GetNumberOfComponents()
    more = [n for n in size[3:] if n != 1]
    if not 2 <= len(size) <= 4 or (more and components > 1):
        raise ValueError(f'{path} has shape {size}, expected three axes and channels at most.')
    channels = more[0] if more else components
    if channel is None and channels > 1:
        raise ChannelsError(f'{path} has {channels} channels')
    if channels > _MAX_CHANNELS or (channel or 0) >= channels:
        raise ValueError(f'{path} has {channels} channels, there is no channel {channel}.')
    first, second, third = (*size, 1, 1)[:3]
    try:
        grid = Grid((first, second, third), _affine(reader, len(size)))
    except ValueError as error:
        raise ValueError(f'{path} {error}') from None
    check_voxels(path, grid.voxels * channels)

    def load() -> np.ndarray:
        if _FORMATS[path.suffix.lower()] == 'MetaImageIO':
            check_compressed(path, files[-1], math.prod(size) * components * _value_bytes(reader))
        return _read(path, reader, channel or 0, bool(more)).reshape(grid.shape[::-1]).T

    return StoredVolume(path, grid, load)


def data_files(path: Path, root: Path) -> tuple[Path, ...]:
    """Return the files a volume is made of: its own, and one that its header points to.

    Args:
        path: The file with the header.
        root: Folder that must not be left.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If the header points outside the root, to a list of files, or is not text.
    """
    if not path.is_file():
        raise FileNotFoundError(f'Volume {path} does not exist.')
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f'{path} must be of type {", ".join(_FORMATS)}.')
    name = _data_file(path)
    if name is None:
        return (path,)
    if '%' in name or ' ' in name or name.upper().startswith('LIST'):
        raise ValueError(f'{path} keeps its voxels in a list of files ({name!r}); join them.')
    other = inside(root, path.parent.relative_to(root) / name)
    if not other.is_file():
        raise FileNotFoundError(f'{path} keeps its voxels in {other}, which does not exist.')
    return path, other


def segment_values(path: Path) -> Mapping[int, Mapping[str, Sequence[int]]]:
    """Return label values by segment name for each layer of a 3D Slicer segmentation (seg.nrrd).

    Raises:
        ValueError: If the file names no segments.
    """
    reader = _information(path)
    layers: dict[int, dict[str, list[int]]] = {}
    number = 0
    while reader.HasMetaDataKey(key := _SEGMENT.format(number=number, field='LabelValue')):
        name_key = _SEGMENT.format(number=number, field='Name')
        layer_key = _SEGMENT.format(number=number, field='Layer')
        try:
            value = int(reader.GetMetaData(key))
            has_layer = reader.HasMetaDataKey(layer_key)
            layer = int(reader.GetMetaData(layer_key)) if has_layer else 0
        except ValueError as error:
            raise ValueError(f'{path}: segment {number} has no value ({error}).') from None
        name = reader.GetMetaData(name_key) if reader.HasMetaDataKey(name_key) else key
        layers.setdefault(layer, {}).setdefault(name, []).append(value)
        number += 1
    if not layers:
        raise ValueError(f"{path} names no segments; give 'names' in the recipe.")
    return layers


def _information(path: Path) -> sitk.ImageFileReader:
    kind = _FORMATS[path.suffix.lower()]
    if kind == 'NrrdImageIO':
        check_nrrd_header(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(kind)
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ValueError(f'{path} is not a volume ({_short(error)}).') from None
    return reader


def _value_bytes(reader: sitk.ImageFileReader) -> int:
    """Return the size of one number of a file in bytes."""
    sample = sitk.Image([1, 1], reader.GetPixelID(), reader.GetNumberOfComponents())
    return int(sitk.GetArrayViewFromImage(sample).itemsize)


def _affine(reader: sitk.ImageFileReader, axes: int) -> np.ndarray:
    """Return the matrix of the first three axes; SimpleITK's coordinates are LPS."""
    direction = np.eye(4)
    direction[:axes, :axes] = np.reshape(reader.GetDirection(), (axes, axes))
    spacing = (*reader.GetSpacing(), 1.0, 1.0)[:3]
    affine = np.eye(4)
    affine[:3, :3] = direction[:3, :3] * np.array(spacing)
    affine[: min(axes, 3), 3] = reader.GetOrigin()[:3]
    return affine


def _read(path: Path, reader: sitk.ImageFileReader, channel: int, fourth_axis: bool) -> np.ndarray:
    """Read one channel with the axes of the file reversed."""
    if fourth_axis:
        size = list(reader.GetSize())
        index = [0] * len(size)
        index[3], size[3] = channel, 1
        reader.SetExtractIndex(index)
        reader.SetExtractSize(size)
    try:
        image = reader.Execute()
        if image.GetNumberOfComponentsPerPixel() > 1:
            image = sitk.VectorIndexSelectionCast(image, channel)
        return sitk.GetArrayFromImage(image)
    except RuntimeError as error:
        raise ValueError(f'{path} is damaged ({_short(error)}); replace it.') from None


def _data_file(path: Path) -> str | None:
    """Return the file of voxels that the header names; None if they follow the header."""
    with open(path, 'rb') as file:
        header = file.read(_MAX_HEADER_BYTES)
    nrrd = _FORMATS[path.suffix.lower()] == 'NrrdImageIO'
    for line in header.split(b'\n'):
        line = line.strip()
        if nrrd and not line:
            return None
        key, found, value = line.partition(b':' if nrrd else b'=')
        if found and key.strip().lower().decode('latin-1') in _DATA_KEYS:
            name = value.strip().decode('utf-8', 'replace')
            return None if name.upper() == 'LOCAL' else name
    return None


def _short(error: Exception) -> str:
    """Return the last sentence of an ITK error, which alone says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
