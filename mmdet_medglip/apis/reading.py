"""From an item to images, each read when it is its turn.

Files are read by what the ingest reads them with, so that training and use see the same pixels.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmdet_medglip.ingest.dicom.describe import describe, is_hounsfield, store_pixels
from mmdet_medglip.ingest.dicom.files import integer, is_dicom, named, open_dicom
from mmdet_medglip.ingest.dicom.pixels import check_size, decode_frame
from mmdet_medglip.ingest.images import (
    check_pixels,
    image_pixels,
    open_image,
    read_image,
    stored_suffix,
)
from mmdet_medglip.ingest.pictures import load_plane
from mmdet_medglip.ingest.volumes import PLANES, StoredVolume, display_volume, stored_range
from mmdet_medglip.ingest.volumes.channels_error import ChannelsError
from mmdet_medglip.ingest.volumes.itk_file import open_itk
from mmdet_medglip.ingest.volumes.nifti_file import open_nifti
from mmdet_medglip.ontology import Ontology
from mmdet_medglip.routing import AUTO

from .inputs import InputItem
from .result import ImageSource

__all__ = ['ImageToRead', 'check_image', 'images_of', 'open_volume']

Fields = dict[str, Any]

_MEANING = ('rescale_slope', 'rescale_intercept', 'rescale_type', 'window', 'spacing_mm')
_LIKE_AIR = -200.0
"""Values below it are Hounsfield units, where a volume of unknown modality turns out to be CT."""


@dataclass(frozen=True, eq=False)
class ImageToRead:
    """One image of an item.

    Args:
        source: Which.
        load: Gives the keys that :class:`~mmdet_medglip.datasets.transforms.LoadMedImage` reads:
            ``img_path``, or ``pixels`` and what they mean. It may be called in another thread.
        keep: What must live as long as the image is not read.
    """

    source: ImageSource
    load: Callable[[], Fields]
    keep: object = None


def images_of(
    item: InputItem, *, modality: str = AUTO, plane: str = 'axial', slice_step: int = 1
) -> Iterator[ImageToRead]:
    """List the images of an item; volumes are read here, all others by ``load``.

    DICOM slices and frames stay as they are stored, which viewers show; boxes refer to that. Other
    volumes are cut in upright slices of ``plane``, see ``ingest.volumes``.

    Args:
        item: The item.
        modality: Modality id, or ``'auto'``. Numbers of volumes and arrays are Hounsfield units
            for CT.
        plane: ``axial``, ``coronal`` or ``sagittal``, of volumes that are no DICOM.
        slice_step: Every so many slices or frames.

    Raises:
        FileNotFoundError: A file is not there.
        ValueError: A volume or a multi-frame file is damaged, too large, or of another kind.
    """
    if plane not in PLANES:
        raise ValueError(f'plane must be one of {", ".join(PLANES)}, got {plane!r}.')
    if slice_step < 1:
        raise ValueError(f'slice_step must be at least 1, got {slice_step}.')
    if item.kind == 'array':
        yield ImageToRead(item.source, lambda: _fields_of_memory(item.content, modality))
    elif item.kind == 'bytes':
        yield from _images_of_bytes(item, modality, plane, slice_step)
    elif item.kind == 'image':
        yield ImageToRead(item.source, lambda: _fields_of_image(Path(item.paths[0])))
    elif item.kind == 'series':
        for index, path in list(enumerate(item.paths))[::slice_step]:
            source = replace(item.source, name=path, path=path, slice_index=index, volume=item.name)
            yield ImageToRead(source, lambda path=path: {'img_path': path})
    elif item.kind == 'dicom':
        yield from _images_of_dicom(item, slice_step)
    else:
        yield from _images_of_volume(item, modality, plane, slice_step)


def _fields_of_image(path: Path) -> Fields:
    # Pages, EXIF turns and size are checked; what cv2 reads as it is stored need not be decoded.
    if stored_suffix(path, decode=False) is not None:
        return {'img_path': str(path)}
    return {'img_path': str(path), 'pixels': _bgr(read_image(path))}


def check_image(fields: Fields) -> None:
    """Decode an image file that a transform could not read, to say it without words of a store.

    Args:
        fields: What ``load`` gave; with ``pixels``, or of DICOM, nothing is done.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged; names the file.
    """
    path = Path(fields['img_path']) if 'pixels' not in fields else None
    if path is not None and not is_dicom(path):
        open_image(path).close()


def _fields_of_memory(content: Any, modality: str) -> Fields:
    if isinstance(content, Image.Image):
        check_pixels('The Pillow image', content.height, content.width)
        return {'pixels': _bgr(image_pixels(content, 'The Pillow image'))}
    array = content[..., 0] if content.ndim == 3 and content.shape[2] == 1 else content
    grey = array.ndim == 2 and array.dtype.kind in 'uif'
    colour = array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    if not (grey or colour) or array.size == 0:
        raise ValueError(
            f'The array is {array.dtype} {list(array.shape)}; expected numbers [H, W], or uint8 '
            '[H, W, 3] in BGR. Give a volume as a list of its slices, or as a NIfTI file.'
        )
    check_pixels('The array', *array.shape[:2])
    if colour or array.dtype in (np.uint8, np.uint16):
        return {'pixels': np.ascontiguousarray(array)}
    try:
        mapping = stored_range(array, is_ct=modality == 'ct')
    except ValueError as error:
        raise ValueError(f'The array {error}') from None
    return {
        'pixels': mapping.store(array),
        'rescale_slope': mapping.slope,
        'rescale_intercept': mapping.intercept,
        'rescale_type': 'HU' if _is_hounsfield(modality, float(array.min())) else None,
    }


def _images_of_dicom(item: InputItem, slice_step: int) -> Iterator[ImageToRead]:
    path = Path(item.paths[0])
    header = open_dicom(path, pixels=False)
    check_size(header, path)
    frames = max(1, integer(header, 'NumberOfFrames', 1))
    if frames == 1:
        yield ImageToRead(item.source, lambda: {'img_path': str(path)})
        return
    dataset = open_dicom(path)
    with named(path):
        try:
            told = describe(dataset, Ontology.default())
        except ValueError:
            told = {'modality': None, 'spacing_mm': None}  # A modality that is not served.
    for index in range(0, frames, slice_step):

        def load(index: int = index) -> Fields:
            frame = decode_frame(dataset, index, path)
            with named(path):
                stored = store_pixels(
                    frame, hounsfield=is_hounsfield(told['modality'], frame.is_scaled)
                )
            fields = {name: stored[name] for name in _MEANING if name in stored}
            fields |= {'img_path': str(path), 'spacing_mm': told['spacing_mm']}
            return fields | {'pixels': _bgr(stored['image'])}

        yield ImageToRead(_slice_of(item, index), load)


def _images_of_volume(
    item: InputItem, modality: str, plane: str, slice_step: int
) -> Iterator[ImageToRead]:
    path = Path(item.paths[0])
    stored = open_volume(path)
    if stored.grid.shape[2] == 1 and path.name.lower().endswith(('.nii', '.nii.gz')):
        picture = load_plane(path)
        fields = {name: getattr(picture, name) for name in _MEANING}
        fields |= {'img_path': str(path), 'pixels': _bgr(picture.pixels())}
        yield ImageToRead(item.source, lambda: fields)
        return
    volume = display_volume(stored, plane)
    try:
        mapping = stored_range(
            volume.values,
            is_ct=modality == 'ct',
            slope=volume.slope,
            intercept=volume.intercept,
        )
    except ValueError as error:
        raise ValueError(f'{path} {error}') from None
    lowest = float(volume.values.min()) * volume.slope + volume.intercept
    meaning = {
        'img_path': str(path),
        'spacing_mm': volume.spacing_mm[:2],
        'rescale_slope': mapping.slope,
        'rescale_intercept': mapping.intercept,
        'rescale_type': 'HU' if _is_hounsfield(modality, lowest) else None,
    }
    for index in range(0, volume.values.shape[2], slice_step):

        def load(index: int = index) -> Fields:
            plane_values = volume.values[:, :, index]
            return meaning | {'pixels': np.ascontiguousarray(mapping.store(plane_values))}

        yield ImageToRead(replace(_slice_of(item, index), plane=plane), load)


def open_volume(path: Path) -> StoredVolume:
    """Read the header of a volume file.

    Raises:
        FileNotFoundError: It does not exist.
        ValueError: It is damaged, of another kind, or has several channels.
    """
    try:
        if path.name.lower().endswith(('.nii', '.nii.gz')):
            return open_nifti(path)
        return open_itk(path, root=path.parent)
    except ChannelsError as error:
        raise ValueError(f'{error.what}; save one of them as a file of its own.') from None


def _slice_of(item: InputItem, index: int) -> ImageSource:
    return replace(item.source, name=f'{item.name}#{index}', slice_index=index, volume=item.name)


def _is_hounsfield(modality: str, lowest: float) -> bool:
    """Whether physical values are Hounsfield units, should the image be of CT.

    Of another modality nothing asks for it: windows in these units are of CT alone.
    """
    return modality == 'ct' or (modality == AUTO and lowest < _LIKE_AIR)


def _bgr(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(pixels[..., ::-1] if pixels.ndim == 3 else pixels)


class _Spool:
    """Bytes as a file of its own folder, which is gone as soon as nobody holds this object."""

    def __init__(self, content: bytes) -> None:
        folder = tempfile.mkdtemp(prefix='medglip-')
        self._end = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder, 'content')
        self.path.write_bytes(content)
        ending = self._ending(content)
        if ending:
            self.path = self.path.rename(self.path.with_name(f'content{ending}'))

    def _ending(self, content: bytes) -> str:
        if is_dicom(self.path):
            return '.dcm'
        if content[:2] == b'\x1f\x8b':
            return '.nii.gz'
        return '.nii' if content[344:347] in (b'n+1', b'ni1') or content[4:7] == b'n+2' else ''


def _images_of_bytes(
    item: InputItem, modality: str, plane: str, slice_step: int
) -> Iterator[ImageToRead]:
    spool = _Spool(item.content)
    ending = ''.join(spool.path.suffixes)
    kind = {'': 'image', '.dcm': 'dicom'}.get(ending, 'volume')
    on_disk = InputItem(kind, item.name, (str(spool.path),), input_index=item.input_index)
    try:
        for image in images_of(on_disk, modality=modality, plane=plane, slice_step=slice_step):
            source = replace(image.source, path=None)
            yield ImageToRead(source, _named_load(image.load, spool, item.name), spool)
    except (ValueError, OSError) as error:
        raise ValueError(str(error).replace(str(spool.path), item.name)) from None


def _named_load(load: Callable[[], Fields], spool: _Spool, name: str) -> Callable[[], Fields]:
    """Loads as before; faults name the bytes, not the file that nobody knows."""

    def loaded() -> Fields:
        try:
            return load()
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(spool.path), name)) from None

    return loaded
