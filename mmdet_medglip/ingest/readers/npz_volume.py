"""Volumes and label volumes in one npz file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmdet_medglip.registry import READERS

from ..label_values import label_values
from ..paths import FileFinder, fields_of, inside
from ..source import SourceImage, SourceItem
from ..volumes import Grid, StoredVolume, Structure, check_labels, check_voxels, display_volume
from ..volumes.grid import check_axes
from ..volumes.npz_file import array_shapes, read_array
from .base import RecipeError
from .volume_reader import VolumeReader

__all__ = ['NpzVolumeReader']

_FEW = 16


@READERS.register_module()
class NpzVolumeReader(VolumeReader):
    """Read npz files that hold a volume, its labels and its voxel size, as MedSAM writes them.

    Args:
        root: Folder of the data set.
        images: Pattern of the files; ``{split}`` and ``{patient}`` tell what their names say.
        names: Label values by name.
        objects: Name of the class of every value but 0, if the values number objects; excludes
            ``names``.
        image_key: Array of the volume.
        label_key: Array of the labels, of the same shape; None if there is none.
        spacing_key: Array of the voxel sizes in mm, in reversed order of the axes (x, y, z), as
            SimpleITK has them.
        direction_key: Array of SimpleITK's direction (9 numbers), used where a file has it and
            ``axes`` is None.
        axes: Where the three axes of the arrays go, see
            :meth:`mmdet_medglip.ingest.volumes.Grid.of_axes`. ``SPL`` (slices from the feet up,
            rows, columns) where neither this nor the file says it; ``SLP`` for slices that are
            stored transposed.
        hounsfield: Whether values of CT are Hounsfield units, not grey levels of a window.
        **common: See :class:`VolumeReader`.

    Raises:
        RecipeError: If an option is wrong.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        images: str = '{stem}.npz',
        names: Mapping[Any, Any] | None = None,
        objects: str | None = None,
        image_key: str = 'imgs',
        label_key: str | None = 'gts',
        spacing_key: str = 'spacing',
        direction_key: str = 'direction',
        axes: str | None = None,
        hounsfield: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(root, **common)
        if not fields_of(images):
            raise RecipeError(f"Data set {self.source!r}: 'images' {images!r} lacks '{{stem}}'.")
        if (label_key is None) != (names is None and objects is None) or (names and objects):
            raise RecipeError(
                f"Data set {self.source!r}: give either 'names' or 'objects', or neither with "
                f"'label_key: null'."
            )
        try:
            self._values = None if names is None else label_values(names)
            if axes is not None:
                check_axes(axes)
        except ValueError as error:
            raise RecipeError(f'Data set {self.source!r}: {error}') from None
        self._images = images
        self._objects = objects
        self._image_key = image_key
        self._label_key = label_key
        self._spacing_key = spacing_key
        self._direction_key = direction_key
        self._axes = axes
        self._hounsfield = hounsfield

    def items(self) -> Sequence[SourceItem]:
        """List the files, sorted."""
        self.check_names([*(self._values or ()), *([self._objects] if self._objects else ())])
        files = FileFinder(self.root).match(self._images)
        if not files:
            raise FileNotFoundError(
                f'Data set {self.source!r}: no file fits {self._images!r} in {self.root}.'
            )
        return [
            SourceItem(path, (path,), {'fields': file.fields})
            for file in files
            for path in [self.relative(file.path)]
        ]

    def read(self, item: SourceItem) -> Iterator[SourceImage]:
        """Read a file and yield its slices."""
        path = inside(self.root, item.name)
        fields = item.payload['fields']
        stored = self._open(path)
        structures = self._structures(path, stored.grid)
        yield from self.slices(
            path,
            '/'.join(fields.values()),
            display_volume(stored, self.plane),
            structures,
            annotated=self._label_key is not None,
            hounsfield=self._hounsfield and self.modality == 'ct',
            folder=fields.get('split'),
            patient=fields.get('patient'),
        )

    def _open(self, path: Path) -> StoredVolume:
        shapes = array_shapes(path)
        for key in (self._image_key, self._spacing_key):
            if key not in shapes:
                raise ValueError(f'{path} has no array {key!r}; it has {", ".join(shapes)}.')
        shape = shapes[self._image_key]
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f'{path}: array {self._image_key!r} has shape {shape}, expected 3-D.')
        first, second, third = shape
        check_voxels(path, first * second * third)
        spacing = read_array(path, self._spacing_key, _FEW).astype(np.float64)[::-1]
        if spacing.shape != (3,) or not np.isfinite(spacing).all() or spacing.min() <= 0:
            raise ValueError(
                f'{path}: array {self._spacing_key!r} must be three sizes > 0, got '
                f'{spacing.tolist()}.'
            )
        if self._axes is None and self._direction_key in shapes:
            grid = Grid((first, second, third), self._affine(path, spacing))
        else:
            grid = Grid.of_axes((first, second, third), spacing.tolist(), self._axes or 'SPL')
        return StoredVolume(path, grid, lambda: read_array(path, self._image_key))

    def _affine(self, path: Path, spacing: np.ndarray) -> np.ndarray:
        """Return the matrix of SimpleITK's direction for the reversed axes of the arrays."""
        direction = read_array(path, self._direction_key, _FEW).astype(np.float64)
        if direction.size != 9:
            raise ValueError(
                f'{path}: array {self._direction_key!r} must have 9 numbers, got {direction.size}.'
            )
        affine = np.eye(4)
        affine[:3, :3] = direction.reshape(3, 3)[:, ::-1] * spacing
        return affine

    def _structures(self, path: Path, grid: Grid) -> list[Structure]:
        if self._label_key is None:
            return []
        shapes = array_shapes(path)
        if self._label_key not in shapes:
            raise ValueError(
                f'{path} has no array {self._label_key!r}; it has {", ".join(shapes)}.'
            )
        shape = shapes[self._label_key]
        if shape != grid.shape:
            raise ValueError(
                f'{path}: array {self._label_key!r} has shape {shape}, '
                f'{self._image_key!r} {grid.shape}.'
            )
        labels = check_labels(read_array(path, self._label_key), path)
        labels = grid.turn_to(self.plane).apply(labels)
        if self._values is not None:
            return self.structures(path, labels, self._values)
        return self.numbered_objects(str(self._objects), labels)
