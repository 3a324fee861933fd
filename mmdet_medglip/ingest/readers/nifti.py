"""NIfTI volumes with label volumes, as axial slices."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from scipy import ndimage

from mmdet_medglip.registry import READERS
from mmdet_medglip.structures import Instance

from ..paths import MatchedFile, fill_pattern, inside, match_files
from .base import Item, Reader, RecipeError

__all__ = ['NiftiReader', 'StoredRange', 'stored_range']

MAX_VOXELS = 600_000_000
_MAX_STORED = 65_535
_CT_FLOOR = -1024.0


@dataclass(frozen=True)
class StoredRange:
    """How physical values become 16-bit pixels: ``value = slope * stored + intercept``.

    Args:
        slope: Physical value per stored unit.
        intercept: Physical value of a stored 0.
    """

    slope: float
    intercept: float

    def store(self, values: np.ndarray) -> np.ndarray:
        """Turn physical values of any shape into uint16, rounded and clipped."""
        stored = np.rint((values.astype(np.float64) - self.intercept) / self.slope)
        return np.clip(stored, 0, _MAX_STORED).astype(np.uint16)


@READERS.register_module()
class NiftiReader(Reader):
    """Read volumes and label volumes (nnU-Net's raw layout by default) slice by slice.

    Slices are axial and in display orientation whatever the axes of the file: the patient's right
    is on the left of the image, the front on top. They are numbered from the feet up. CT keeps
    Hounsfield units: 16-bit pixels with slope 1 and an intercept. Other integers are kept
    exactly, and other values are spread over 16 bits.

    Args:
        root: Folder of the data set.
        images: Pattern of the volumes with the field ``{stem}``, and ``{split}`` if the split
            follows the folders.
        annotations: Pattern of the label volume of an image, its fields filled in.
        names: Label values: a json file with the key ``labels`` (nnU-Net version 1 or 2), or a
            mapping ``name: value``. A list of values is their union (nnU-Net's regions).
        slice_step: Take every n-th slice, >= 1.
        empty_share: Share of the slices without any region that is kept as negatives, in [0, 1];
            chosen by a hash of their names.
        **common: See :class:`Reader`. ``min_area`` is in pixels of a slice.

    Raises:
        FileNotFoundError: If no volume fits the pattern, or the json file is missing.
        RecipeError: If an option is out of range or a label is unknown.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str = 'imagesTr/{stem}_0000.nii.gz',
        annotations: str = 'labelsTr/{stem}.nii.gz',
        names: str | Mapping[str, int | list[int]] = 'dataset.json',
        slice_step: int = 1,
        empty_share: float = 0.2,
        view: str = 'axial',
        **common: Any,
    ) -> None:
        super().__init__(root, view=view, **common)
        if slice_step < 1 or not 0 <= empty_share <= 1:
            raise RecipeError(
                f"Data set {self.source!r}: 'slice_step' must be >= 1 and 'empty_share' in "
                f'[0, 1], got {slice_step} and {empty_share}.'
            )
        self._images = images
        self._annotations = annotations
        self._slice_step = slice_step
        self._empty_share = empty_share
        values = _label_values(inside(self.root, names)) if isinstance(names, str) else names
        self._values: dict[str, list[int]] = {}
        for name, value in values.items():
            label = self.label_of(str(name))
            if label is not None:
                parts = value if isinstance(value, list) else [value]
                self._values.setdefault(label, []).extend(int(part) for part in parts)

    def __iter__(self) -> Iterator[Item]:
        """Yield the slices of one volume after the other, from the feet up."""
        matches = match_files(self.root, self._images)
        if not matches:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no volume fits {self._images!r} in {self.root}.'
            )
        for match in matches:
            try:
                yield from self._slices(match)
            except RecipeError:
                raise
            except (ValueError, OSError) as error:
                self.skip(match.path, 'volume not readable or not valid', str(error))

    def _slices(self, match: MatchedFile) -> Iterator[Item]:
        volume = _load(match.path)
        pattern = fill_pattern(self._annotations, match.fields)
        found = match_files(self.root, pattern)
        if not found:
            self.skip(match.path, 'label volume is missing')
            return
        annotation = _load(found[0].path)
        _check_pair(match.path, volume, found[0].path, annotation)
        values = _display(np.asanyarray(volume.dataobj))
        if not np.isfinite(values).all():
            raise ValueError(f'{match.path} holds values that are not finite; replace them.')
        labels = _display(np.asanyarray(annotation.dataobj))
        mapping = stored_range(values, is_ct=self.modality == 'ct')
        zooms = volume.header.get_zooms()
        fields = {
            'series_id': match.fields['stem'],
            'spacing_mm': (float(zooms[1]), float(zooms[0])),
            'rescale_slope': mapping.slope,
            'rescale_intercept': mapping.intercept,
            'rescale_type': 'HU' if self.modality == 'ct' else None,
        }
        masks = self._numbered(labels)
        for index in range(0, values.shape[2], self._slice_step):
            item = f'{match.fields["stem"]}/{index:04d}'
            instances = self._instances(masks, index, item)
            if not instances and not self._keep_empty(item):
                continue
            record = self.record(
                item,
                values.shape[:2],
                instances,
                folder=match.fields.get('split'),
                patient=match.fields['stem'],
                slice_index=index,
                **fields,
            )
            yield record, mapping.store(values[:, :, index])

    def _numbered(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """Return per label id the volume (H, W, slices) of object numbers, 0 outside."""
        numbered = {}
        for label, values in self._values.items():
            mask = np.isin(labels, values)
            if not mask.any():
                continue
            if self.ontology.box_policy(label) == 'components':
                numbered[label] = ndimage.label(mask, structure=np.ones((3, 3, 3)))[0]
            else:
                numbered[label] = mask
        return numbered

    def _instances(
        self, numbered: Mapping[str, np.ndarray], index: int, item: str
    ) -> list[Instance]:
        instances: list[Instance] = []
        for label, volume in numbered.items():
            plane = volume[:, :, index]
            several = volume.dtype != bool
            for number in np.unique(plane[plane > 0]):
                name = f'{label}:{number}' if several else label
                mask = plane == number
                instances += self.regions(mask, label, item, volume_instance_id=name)
        return instances

    def _keep_empty(self, item: str) -> bool:
        digest = hashlib.sha256(f'{self.source}/{item}'.encode()).digest()
        return int.from_bytes(digest[:8], 'big') / 2**64 < self._empty_share


def stored_range(values: np.ndarray, *, is_ct: bool) -> StoredRange:
    """Choose how a volume is stored in 16 bits.

    Args:
        values: Physical values, finite, any shape, not empty.
        is_ct: Whether they are Hounsfield units, kept to the whole unit.

    Returns:
        Slope 1 wherever whole numbers fit; else the range of the values over 16 bits.
    """
    low, high = float(values.min()), float(values.max())
    whole = is_ct or np.issubdtype(values.dtype, np.integer)
    intercept = min(_CT_FLOOR, np.floor(low)) if is_ct else min(0.0, low)
    if whole and high - intercept <= _MAX_STORED:
        return StoredRange(1.0, float(intercept))
    return StoredRange((high - low) / _MAX_STORED or 1.0, low)


def _load(path: Path) -> nibabel.spatialimages.SpatialImage:
    """Open a 3-D volume with its axes put in the order right, front, up; no voxel is read yet."""
    try:
        volume = nibabel.load(path)
    except (nibabel.filebasedimages.ImageFileError, OSError, EOFError) as error:
        raise ValueError(f'{path} is not a NIfTI volume ({error}).') from error
    if not isinstance(volume, nibabel.spatialimages.SpatialImage):
        raise ValueError(f'{path} is not a volume but {type(volume).__name__}.')
    if len(volume.shape) != 3 or min(volume.shape) < 1:
        raise ValueError(f'{path} has shape {volume.shape}, expected three axes.')
    if np.prod(volume.shape, dtype=np.int64) > MAX_VOXELS:
        raise ValueError(f'{path} has shape {volume.shape}, over {MAX_VOXELS} voxels; crop it.')
    return nibabel.as_closest_canonical(volume)


def _display(values: np.ndarray) -> np.ndarray:
    """Turn (right, front, up) voxels into (row, column, slice) in display orientation."""
    return values[::-1, ::-1].swapaxes(0, 1)


def _check_pair(
    image_path: Path,
    image: nibabel.spatialimages.SpatialImage,
    label_path: Path,
    labels: nibabel.spatialimages.SpatialImage,
) -> None:
    if image.shape != labels.shape:
        raise ValueError(f'{label_path} has shape {labels.shape}, {image_path} {image.shape}.')
    if not np.allclose(image.affine, labels.affine, atol=1e-2):
        raise ValueError(f'{label_path} lies elsewhere in space than {image_path}; resample it.')


def _label_values(path: Path) -> dict[str, int | list[int]]:
    """Read ``labels`` of an nnU-Net json: ``{value: name}`` (version 1) or ``{name: value}``."""
    if not path.is_file():
        raise FileNotFoundError(f'Label names {path} do not exist; give names in the recipe.')
    try:
        labels = json.loads(path.read_text(encoding='utf-8'))['labels']
        first = next(iter(labels))
        if first.isdigit() and isinstance(labels[first], str):
            labels = {name: int(value) for value, name in labels.items()}
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise RecipeError(f"{path} has no usable 'labels' ({error!r}).") from error
    return {name: v for name, v in labels.items() if name not in ('background', 'ignore')}
